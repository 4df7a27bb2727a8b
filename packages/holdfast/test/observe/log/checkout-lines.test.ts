/** Each change of a checkout is logged once, after its commit, by whichever process or job made it. */
import { expect, test } from 'vitest'
import type { CheckoutConfig } from '../../../src/config/checkout-config.ts'
import type { Database, Transaction } from '../../../src/database/database.ts'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { createLog } from '../../../src/observe/log/log.ts'
import type { PaymentGateway } from '../../../src/payments/gateway.ts'
import { describeStore } from '../../support/test-store.ts'

interface Line {
  level: number
  msg: string
  lockId?: string
  cartId?: string
  [field: string]: unknown
}

/** The database, in which the next transaction is rolled back and run again, as after a deadlock. */
function runsAgain(database: Database): { database: Database; next(): void } {
  let again = false
  return {
    next() {
      again = true
    },
    database: {
      ...database,
      async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
        if (again) {
          again = false
          const undone = new Error('rolled back by the test')
          const lost = database.transaction(async tx => {
            await work(tx)
            throw undone
          })
          await lost.catch((error: unknown) => {
            if (error !== undone) throw error
          })
        }
        return database.transaction(work)
      },
    },
  }
}

describeStore('the log of a checkout', store => {
  async function logged(config: Partial<CheckoutConfig> = {}, database?: Database) {
    const lines: Line[] = []
    const log = createLog({ level: 'debug', write: line => lines.push(JSON.parse(line)) })
    const engine = await store.open({ log, config, ...(database === undefined ? {} : { database }) })
    const messages = (lockId: string) => lines.filter(line => line.lockId === lockId).map(({ msg }) => msg.slice(11))
    const line = (lockId: string, message: string) =>
      lines.find(one => one.lockId === lockId && one.msg === `[Checkout] ${message}`)
    return { engine, lines, messages, line }
  }

  async function paid(engine: CheckoutEngine, token = 'tok_approve') {
    const sku = await store.article()
    const begun = await store.begin({ [sku]: 2 }, { engine })
    const outcome = await engine.processCheckout(begun.lockId, { token })
    return { ...begun, sku, outcome }
  }

  test('lists the steps of a checkout in order, each once', async () => {
    const { engine, messages, line } = await logged()
    const { lockId, cartId, outcome } = await paid(engine)
    expect(messages(lockId)).toEqual([
      'started',
      'stock held',
      'price locked',
      'payment authorized',
      'order created',
      'payment captured',
      'stock committed',
      'completed',
    ])
    const order = outcome.status === 'completed' ? outcome.order : null
    expect(line(lockId, 'stock held')).toMatchObject({ cartId, units: 2 })
    expect(line(lockId, 'price locked')).toMatchObject({ amountMinor: 2_500, currency: 'USD' })
    expect(line(lockId, 'order created')).toMatchObject({ orderId: order?.id })
    expect(line(lockId, 'completed')).toMatchObject({
      cartId,
      orderId: order?.id,
      orderNumber: order?.number,
      amountMinor: 2_500,
      durationMs: expect.any(Number),
    })
    await engine.refundOrder(order?.id ?? '', { amountMinor: 100 })
    expect(line(lockId, 'payment refunded')).toMatchObject({ amountMinor: 100, orderNumber: order?.number })
    await engine.processCheckout(lockId, { token: 'tok_approve' })
    expect(messages(lockId)).toHaveLength(9)
  })

  test('has a line per phase with its duration if logAllPhases is set', async () => {
    const { engine, lines } = await logged({ logAllPhases: true })
    const { lockId } = await paid(engine)
    const phases = lines.filter(line => line.lockId === lockId && line.msg === '[Checkout] phase completed')
    expect(phases.map(({ phase }) => phase)).toEqual([
      'cart_validation',
      'inventory_reservation',
      'price_lock',
      'payment_authorization',
      'order_creation',
      'payment_capture',
      'stock_commit',
    ])
    for (const { durationMs } of phases) expect(durationMs).toBeGreaterThanOrEqual(0)
  })

  test('says why a checkout failed, and which steps were rolled back', async () => {
    const { engine, messages, line } = await logged()
    const declined = await paid(engine, 'tok_decline_expired_card')
    expect(messages(declined.lockId)).toEqual([
      'started',
      'stock held',
      'price locked',
      'rolling back',
      'rollback step',
      'rollback step',
      'stock released',
      'payment declined',
      'failed',
    ])
    expect(line(declined.lockId, 'failed')).toMatchObject({
      level: 40,
      phase: 'payment_authorization',
      code: 'payment_declined',
      message: expect.any(String),
    })
    const refused = await paid(engine, 'tok_capture_decline')
    expect(messages(refused.lockId).slice(5)).toEqual([
      'rolling back',
      'rollback step',
      'payment voided',
      'rollback step',
      'rollback step',
      'rollback step',
      'stock released',
      'failed',
    ])
    const sku = await store.article({ stock: [1] })
    const short = await store.begin({ [sku]: 3 }, { engine })
    await engine.processCheckout(short.lockId, { token: 'tok_approve' })
    expect(messages(short.lockId)).toEqual(['started', 'stock short', 'failed'])
    expect(line(short.lockId, 'stock short')).toMatchObject({ sku, requested: 3, available: 1 })
  })

  test('omits failures and rollbacks if configured, and everything if logging is disabled', async () => {
    const { engine, messages } = await logged({ logFailures: false, logRollbacks: false })
    const { lockId } = await paid(engine, 'tok_decline')
    expect(messages(lockId)).toEqual(['started', 'stock held', 'price locked', 'stock released', 'payment declined'])
    const silent = await logged({ loggingEnabled: false })
    await paid(silent.engine)
    expect(silent.lines).toEqual([])
  })

  test('has the same lines for a recovery as for a request', async () => {
    const { engine, messages, line } = await logged()
    const sku = await store.article()
    const left = await store.begin({ [sku]: 1 })
    store.faults.with = ({ kind }) => (kind === 'authorize' ? 'error_before' : null)
    await store.engine.processCheckout(left.lockId, { token: 'tok_decline' })
    store.faults.with = null
    await store.wake(left.lockId)
    await engine.recover()
    expect(messages(left.lockId)[0]).toBe('taken over')
    expect(messages(left.lockId).slice(-2)).toEqual(['payment declined', 'failed'])
    const late = await store.begin({ [sku]: 1 })
    await store.expire(late.lockId)
    await engine.recover()
    expect(messages(late.lockId)).toEqual(['taken over', 'expired'])
    expect(line(late.lockId, 'expired')).toMatchObject({ level: 30, code: 'checkout_expired', cartId: late.cartId })
    const stopped = await store.begin({ [sku]: 1 })
    await engine.cancelCheckout(stopped.lockId, { reason: 'changed my mind' })
    expect(line(stopped.lockId, 'cancelled')).toMatchObject({ reason: 'changed my mind' })
  })

  test('warns about price drift, and about a gateway that gives no final answer', async () => {
    const { engine, line } = await logged()
    const sku = await store.article()
    const begun = await store.begin({ [sku]: 1 }, { engine })
    const waiting = await engine.processCheckout(begun.lockId, { token: 'tok_action_required' })
    expect(waiting.status).toBe('action_required')
    expect(line(begun.lockId, 'waiting for the buyer')).toMatchObject({ action: 'redirect' })
    await store.sql(
      `update holdfast.prices set amount_minor = 1234 where variant_id = (select id from holdfast.variants where sku = $1)`,
      [sku],
    )
    await store.gateway.approve(`sbx_${begun.lockId}:authorize:1`)
    await engine.resumeCheckout(begun.lockId)
    expect(line(begun.lockId, 'price drift: frozen prices apply')).toMatchObject({
      level: 40,
      drift: [{ sku, frozenMinor: 1_000, currentMinor: 1_234 }],
    })
    store.faults.with = ({ kind }) => (kind === 'capture' ? 'error_before' : null)
    const { lockId } = await paid(engine)
    expect(line(lockId, 'gateway outcome unknown')).toMatchObject({ level: 40, operation: 'capture' })
  })

  test('logs nothing for a transaction that was rolled back, and each change once when it is retried', async () => {
    const twice = runsAgain(store.database)
    const { engine, messages } = await logged({}, twice.database)
    const sku = await store.article({ stock: [9] })
    const { cartId, sessionId } = await store.cart({ [sku]: 1 })
    twice.next()
    const { id } = await engine.startCheckout(cartId, { sessionId })
    expect(messages(id)).toEqual(['started'])
    twice.next()
    const declined = await engine.processCheckout(id, { token: 'tok_decline' })
    expect(declined.status).toBe('failed')
    expect(new Set(messages(id)).size).toBe(messages(id).length - 1)
    await engine.close()
  })

  test('names the request in the lines of its checkout, although checkouts are processed in batches', async () => {
    const { engine, lines } = await logged()
    const sku = await store.article()
    const begun = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const { cartId, sessionId } = await store.cart({ [sku]: 1 })
        const requestId = `request-${index}`
        const { id } = await engine.startCheckout(cartId, { sessionId, requestId })
        await engine.processCheckout(id, { token: 'tok_approve' }, { requestId })
        return { id, requestId }
      }),
    )
    for (const { id, requestId } of begun) {
      const named = lines.filter(line => line.lockId === id).map(line => line.requestId)
      expect(named).toEqual(Array(8).fill(requestId))
    }
    const { lockId } = await store.begin({ [sku]: 1 }, { engine })
    expect(lines.find(line => line.lockId === lockId)).not.toHaveProperty('requestId')
  })

  test('contains no secret of a gateway’s error, and not the buyer’s token or name', async () => {
    const lines: string[] = []
    const cause = new Error('redis://:canary@cache:6379 and https://hooks.slack.com/services/T0/B0/canary', {
      cause: { headers: { authorization: 'Bearer canary-1' }, config: { apiKey: 'canary' } },
    })
    const gateway: PaymentGateway = {
      ...store.gateway,
      capture: () =>
        Promise.reject(new Error('postgres://shop:canary@db/shop, whsec_canary, sk_live_canary', { cause })),
    }
    const logs = [true, false].map(pretty => createLog({ level: 'debug', pretty, write: line => lines.push(line) }))
    for (const log of logs) {
      const engine = await store.open({ log, gateway, config: { logAllPhases: true } })
      expect((await paid(engine)).outcome.status).toBe('processing')
    }
    expect(lines.join('')).toContain('gateway outcome unknown')
    expect(lines.join('')).toContain('[removed]')
    expect(lines.join('')).not.toMatch(/canary|tok_|@example\.com|Byron|session-/)
  })

  test('that throws or rejects does not affect a checkout', async () => {
    const broken = () => {
      throw new Error('the host’s log is broken')
    }
    const rejecting = (() => Promise.reject(new Error('the host’s log is far away'))) as () => void
    for (const write of [broken, rejecting]) {
      const engine = await store.open({ log: { info: write, warn: write, error: write, wants: broken } })
      expect((await paid(engine)).outcome.status).toBe('completed')
      expect((await paid(engine, 'tok_decline')).outcome.status).toBe('failed')
    }
  })
})
