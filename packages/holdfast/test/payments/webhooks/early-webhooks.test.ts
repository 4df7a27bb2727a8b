/** Webhooks that match no checkout yet: kept, matched once their checkout is known, and cheap to keep. */
import { expect, test } from 'vitest'
import { paid } from '../../support/store-facts.ts'
import { describeStore, type TestStore } from '../../support/test-store.ts'

/** The gateway sends a webhook with this content. */
async function send(store: TestStore, payload: Record<string, unknown>) {
  store.webhooks.to = store.engine
  await store.sql(
    `insert into holdfast_sandbox.jobs (id, kind, payment_id, payload, due_at)
     values (gen_random_uuid(), 'webhook', 'none', $1::jsonb, now() - interval '1 minute')`,
    [JSON.stringify(payload)],
  )
  await store.pass(1)
  await store.engine.recover()
}

interface Kept {
  matched: string | null
  handled: boolean
  looks: number
  inSeconds: number | null
}

const readKept = `select checkout_id as matched, handled_at is not null as handled, looks,
    round(extract(epoch from look_at - now()))::int as "inSeconds"
  from holdfast.webhooks where type = $1`

async function kept(store: TestStore, type: string): Promise<Kept | undefined> {
  const rows = await store.sql<Kept>(readKept, [type])
  expect(rows.length).toBeLessThanOrEqual(1)
  return rows[0]
}

const due = (store: TestStore, type: string) =>
  store.sql('update holdfast.webhooks set look_at = now() where type = $1', [type])

/** A payment that the buyer has approved while its webhook was lost. */
async function approved(store: TestStore) {
  const { lockId } = await store.begin({ [await store.article()]: 2 })
  await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
  const reference = `sbx_${lockId}:authorize:1`
  store.webhooks.to = null
  await store.gateway.approve(reference)
  await store.pass(1)
  return { lockId, reference }
}

const events = ['CheckoutStarted', 'PaymentActionRequired', 'CheckoutCompleted']

describeStore('A webhook', store => {
  test('a webhook for a checkout that does not exist yet is matched once it does', async () => {
    const { lockId } = await approved(store)
    await send(store, { type: 'payment.early', data: { checkout_id: '0192aaaa-0000-7000-8000-000000000001' } })
    expect(await kept(store, 'payment.early')).toMatchObject({ matched: null, handled: false })
    // The named checkout appears.
    await store.sql('update holdfast.webhooks set named_id = $1 where type = $2', [lockId, 'payment.early'])
    await store.engine.recover()
    expect(await kept(store, 'payment.early')).toMatchObject({ matched: null, handled: false })
    await due(store, 'payment.early')
    await store.engine.recover()
    expect(await kept(store, 'payment.early')).toMatchObject({ matched: lockId, handled: true })
    expect(await store.facts(lockId)).toEqual(paid(2_500, { events }))
  })

  test('a webhook with only a payment reference is matched by that payment', async () => {
    const { lockId, reference } = await approved(store)
    await send(store, { type: 'payment.referenced', data: { reference } })
    expect(await kept(store, 'payment.referenced')).toMatchObject({ matched: lockId, handled: true })
    expect(await store.facts(lockId)).toEqual(paid(2_500, { events }))
  })

  test('a webhook for a payment that is stored later is matched once it is stored', async () => {
    const { lockId, reference } = await approved(store)
    await send(store, { type: 'payment.unkept', data: { reference: 'pay_1' } })
    expect(await kept(store, 'payment.unkept')).toMatchObject({ matched: null, handled: false })
    await store.sql('update holdfast.webhooks set reference = $1 where type = $2', [reference, 'payment.unkept'])
    await due(store, 'payment.unkept')
    await store.engine.recover()
    expect(await kept(store, 'payment.unkept')).toMatchObject({ matched: lockId, handled: true })
    expect(await store.facts(lockId)).toEqual(paid(2_500, { events }))
  })

  test('an unmatched webhook is retried with growing pauses, and after three days is kept and counted', async () => {
    const type = 'payment.strange'
    await send(store, { type, data: { reference: 'of another application' } })
    const pauses: (number | null | undefined)[] = []
    for (let look = 0; look < 4; look += 1) {
      await due(store, type)
      await store.engine.recover()
      pauses.push((await kept(store, type))?.inSeconds)
    }
    expect(pauses).toEqual([20, 40, 80, 160])
    expect((await store.engine.health({ maxAgeMs: 0 })).checks.webhooks).toMatchObject({ status: 'ok', count: 0 })
    await store.sql(
      `update holdfast.webhooks set look_at = now(), received_at = now() - interval '73 hours' where type = $1`,
      [type],
    )
    await store.engine.recover()
    expect(await kept(store, type)).toMatchObject({ matched: null, handled: false, inSeconds: null })
    expect((await store.engine.health({ maxAgeMs: 0 })).checks.webhooks).toMatchObject({
      status: 'ok',
      count: 1,
      message: '1 unmatched webhook',
    })
    const { webhooks } = store.engine
    expect(await webhooks.list({ state: 'given_up' })).toMatchObject([{ type, checkoutId: null }])
    expect(await webhooks.retryGivenUp({ actor: 'ada' })).toBe(1)
    expect(await webhooks.list({ type })).toMatchObject([{ state: 'waiting', attempts: 0 }])
    const [{ eventId } = { eventId: '' }] = await webhooks.list({ type })
    expect(await webhooks.dismiss({ gateway: 'sandbox', eventId }, { actor: 'ada' })).toBe(true)
    await store.sql(`update holdfast.webhooks set handled_at = now() - interval '91 days' where type = $1`, [type])
    expect(await store.engine.pruneWebhooks()).toBe(1)
    expect(await kept(store, type)).toBeUndefined()
  })

  test('a webhook without checkout and payment is stored as processed', async () => {
    await send(store, { type: 'payout.paid', data: {} })
    expect(await kept(store, 'payout.paid')).toMatchObject({ matched: null, handled: true })
  })

  test('a webhook is processed at once although thousands of others match no checkout', async () => {
    await store.sql(
      `insert into holdfast.webhooks (gateway, event_id, type, reference, payload, look_at)
       select 'sandbox', 'other-' || n, 'other', 'other-' || n, '{}', now() + interval '1 hour' from generate_series(1, 5000) n`,
    )
    const { lockId, reference } = await approved(store)
    await send(store, { type: 'payment.crowded', data: { reference } })
    expect(await store.facts(lockId)).toEqual(paid(2_500, { events }))
    expect(await store.sql(`select 1 from holdfast.webhooks where type = 'other' and looks > 0`)).toEqual([])
    await store.sql(`delete from holdfast.webhooks where type = 'other'`)
  })
})
