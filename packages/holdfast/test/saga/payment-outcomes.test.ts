/** All answers to authorizations and captures: the checkout is paid once, or undone completely. */
import { expect, test } from 'vitest'
import type { SandboxFault } from '../../src/payments/sandbox/faults.ts'
import { paid, undone } from '../support/store-facts.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'

const stock = { onHand: 100, reserved: 0 }

/** A short timeout for calls that never answer. */
const impatient = { numbers: { gatewayTimeoutMs: 300 } }

async function processed(store: TestStore, token: string, engine = store.engine) {
  const sku = await store.article()
  const begun = await store.begin({ [sku]: 2 }, { cart: { couponCode: 'TEN' } })
  const outcome = await engine.processCheckout(begun.lockId, { token })
  return { ...begun, sku, outcome }
}

describeStore('Answers of the gateway', store => {
  test.each([
    ['tok_decline', 'card_declined'],
    ['tok_decline_insufficient_funds', 'insufficient_funds'],
    ['tok_decline_expired_card', 'expired_card'],
    ['tok_unheard_of', 'invalid_token'],
  ])('%s: a decline undoes the checkout and returns its reason', async (token, reason) => {
    const { outcome, lockId, sku, cartId } = await processed(store, token)
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { code: 'payment_declined', phase: 'payment_authorization', context: { reason }, retryable: true },
    })
    const end = undone('payment_declined', 'payment_authorization', { payment: 'declined', claim: 'released' })
    expect(await store.facts(lockId)).toEqual(end)
    expect(await store.stock(sku)).toEqual(stock)
    expect(await store.engine.isCartLocked(cartId)).toBe(false)
  })

  test.each([
    'tok_approve',
    'tok_slow',
    'tok_error_after',
    'tok_error_before',
    'tok_timeout_after',
    'tok_timeout_before',
    'tok_capture_timeout_after',
  ])('%s: the checkout is paid once even if answers are lost', async token => {
    const engine = await store.open(impatient)
    const { lockId, sku } = await processed(store, token, engine)
    await store.drain(engine)
    expect(await store.facts(lockId)).toEqual(paid(2_300, { claim: 'redeemed' }))
    expect(await store.stock(sku)).toEqual({ onHand: 98, reserved: 0 })
    const again = await store.engine.processCheckout(lockId, { token })
    expect(again).toMatchObject({ status: 'completed', order: { status: 'paid', totalMinor: 2_300 } })
    expect(await operations(lockId)).toEqual(['authorize 1 succeeded', 'capture 1 succeeded'])
  })

  const faults: SandboxFault[] = ['timeout_before', 'timeout_after', 'error_before', 'error_after', 'unreachable']
  const faulty = (['authorize', 'capture'] as const).flatMap(kind => faults.map(fault => [kind, fault] as const))
  test.each(faulty)('%s: after %s three times the checkout completes', async (kind, fault) => {
    let left = 3
    store.faults.with = call => (call.kind === kind && left-- > 0 ? fault : null)
    const engine = await store.open(impatient)
    const { outcome, lockId, sku } = await processed(store, 'tok_approve', engine)
    expect(['completed', 'processing']).toContain(outcome.status)
    await store.drain(engine)
    expect(await store.facts(lockId)).toEqual(paid(2_300, { claim: 'redeemed' }))
    expect(await store.stock(sku)).toEqual({ onHand: 98, reserved: 0 })
    expect(await operations(lockId)).toEqual(['authorize 1 succeeded', 'capture 1 succeeded'])
  })

  test('a checkout with an unknown outcome is processing and decides nothing', async () => {
    store.faults.with = ({ kind }) => (kind === 'authorize' ? 'error_before' : null)
    const { outcome, lockId, cartId, sku } = await processed(store, 'tok_approve')
    expect(outcome).toMatchObject({
      status: 'processing',
      pollAfterMs: expect.any(Number),
      lock: { state: 'authorizing' },
    })
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({ status: 'processing' })
    expect(await store.engine.isCartLocked(cartId)).toBe(true)
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 2 })
    store.faults.with = null
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
  })

  test('an authorization that stays unknown beyond its timeout is abandoned behind a fencing void', async () => {
    store.faults.with = ({ kind }) => (kind === 'authorize' ? 'error_before' : null)
    const { lockId } = await processed(store, 'tok_approve')
    await age(lockId, 301)
    await store.wake(lockId)
    await store.engine.recover()
    const end = undone('payment_unsettled', 'payment_authorization', { claim: 'released' })
    expect(await store.facts(lockId)).toEqual(end)
  })

  test('a capture of unknown outcome is never abandoned', async () => {
    store.faults.with = ({ kind }) => (kind === 'capture' ? 'error_before' : null)
    const { lockId, sku } = await processed(store, 'tok_approve')
    await store.expire(lockId)
    await age(lockId, 100_000)
    for (let pass = 0; pass < 3; pass += 1) {
      await store.wake(lockId)
      await store.engine.recover()
    }
    expect(await store.facts(lockId)).toMatchObject({
      state: 'capturing',
      order: 'pending',
      holds: ['firm'],
      charged: 0,
    })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 2 })
    // The gateway has forgotten the key, so the capture is not repeated but looked up until it is found.
    await store.sql(`update holdfast.payment_operations set intended_at = now() where checkout_id = $1`, [lockId])
    store.faults.with = null
    await store.drain()
    expect(await store.facts(lockId)).toEqual(paid(2_300, { claim: 'redeemed' }))
  })

  test('a fenced authorization that arrives late never takes effect', async () => {
    const { lockId } = await processed(store, 'tok_late', await store.open(impatient))
    expect(await store.facts(lockId)).toMatchObject({ state: 'authorizing', payment: 'in_flight' })
    await store.engine.cancelCheckout(lockId)
    await store.pass(120_000)
    const end = undone('checkout_cancelled', 'payment_authorization', { claim: 'released' })
    expect(await store.facts(lockId)).toMatchObject({ ...end, events: expect.arrayContaining(end.events) })
  })

  test('a late authorization is found by lookup, and the checkout completes', async () => {
    const { lockId, outcome } = await processed(store, 'tok_late', await store.open(impatient))
    expect(outcome.status).toBe('processing')
    await store.pass(61_000)
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
  })

  test('an authorization of a different amount is voided and charges nothing', async () => {
    const { outcome, lockId, sku } = await processed(store, 'tok_wrong_amount')
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { code: 'payment_mismatch', context: { asked: 2_300, authorized: 2_301 } },
    })
    // Some payment methods capture with the authorization, so the message must not rule a charge out.
    expect(outcome).toHaveProperty(
      'failure.message',
      'You will not be charged, and any amount already taken will be returned. The payment provider authorized a different amount than we requested.',
    )
    expect(await store.facts(lockId)).toEqual(
      undone('payment_mismatch', 'payment_authorization', { claim: 'released' }),
    )
    expect(await store.stock(sku)).toEqual(stock)
  })

  test('a refused capture voids the authorization, cancels the order, and releases the stock', async () => {
    const { outcome, lockId, sku } = await processed(store, 'tok_capture_decline')
    expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'capture_refused', phase: 'payment_capture' } })
    const end = undone('capture_refused', 'payment_capture', { order: 'cancelled', claim: 'released' })
    expect(await store.facts(lockId)).toEqual(end)
    expect(await store.stock(sku)).toEqual(stock)
    expect(await operations(lockId)).toEqual(['authorize 1 succeeded', 'capture 1 declined', 'void 1 succeeded'])
  })

  test('a failed void is retried until it succeeds, and nothing is released before', async () => {
    const { outcome, lockId, sku } = await processed(store, 'tok_void_fails')
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { code: 'capture_refused' },
      lock: { state: 'rolling_back' },
    })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 2 })
    expect(await store.engine.cancelCheckout(lockId)).toMatchObject({ failure: { code: 'capture_refused' } })
    await store.drain()
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', payment: 'voided', order: 'cancelled' })
    expect(await operations(lockId)).toContain('void 1 succeeded')
  })

  test('a void that fails fifty times succeeds on the next attempt and has raised an alert', async () => {
    const errors: string[] = []
    const log = { info() {}, warn() {}, error: (message: string) => void errors.push(message) }
    const engine = await store.open({ log })
    let left = 50
    store.faults.with = ({ kind }) => (kind === 'void' && left-- > 0 ? 'error_before' : null)
    const { lockId } = await processed(store, 'tok_capture_decline', engine)
    for (let pass = 0; pass < 60 && left >= 0; pass += 1) {
      await store.wake(lockId)
      await engine.recover()
    }
    expect(left).toBe(-1)
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', payment: 'voided' })
    expect(errors).toContain('[Checkout] rollback stuck: the gateway has not confirmed the void or refund')
  })

  test('a payment that was captured at the gateway during a rollback is refunded', async () => {
    const { lockId } = await processed(store, 'tok_action_required')
    await store.gateway.approve(`sbx_${lockId}:authorize:1`)
    await store.sql(
      `update holdfast_sandbox.payments set status = 'captured', captured_minor = amount_minor where checkout_id = $1`,
      [lockId],
    )
    await store.engine.cancelCheckout(lockId)
    await store.drain()
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', payment: 'captured', charged: 0 })
    expect(await operations(lockId)).toContain('refund 1 succeeded')
  })

  test.each(['refund', 'void'] as const)(
    'a payment captured at the gateway is refunded even if the first %s fails',
    async kind => {
      const { lockId } = await processed(store, 'tok_action_required')
      await store.gateway.approve(`sbx_${lockId}:authorize:1`)
      await store.sql(
        `update holdfast_sandbox.payments set status = 'captured', captured_minor = amount_minor where checkout_id = $1`,
        [lockId],
      )
      let left = 4
      store.faults.with = call => (call.kind === kind && left-- > 0 ? 'error_after' : null)
      await store.engine.cancelCheckout(lockId)
      await store.drain()
      expect(await store.facts(lockId)).toMatchObject({ state: 'failed', charged: 0 })
    },
  )

  async function operations(lockId: string): Promise<string[]> {
    const rows = await store.sql<{ operation: string }>(
      `select format('%s %s %s', kind, attempt, status) as operation from holdfast.payment_operations
       where checkout_id = $1 order by kind, attempt`,
      [lockId],
    )
    return rows.map(row => row.operation)
  }

  async function age(lockId: string, seconds: number): Promise<void> {
    await store.sql(
      `update holdfast.payment_operations set intended_at = now() - make_interval(secs => $2::int)
       where checkout_id = $1 and status = 'intended'`,
      [lockId, seconds],
    )
  }
})
