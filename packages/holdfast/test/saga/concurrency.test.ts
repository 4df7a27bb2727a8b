/** Concurrent requests: one order per cart, and no unit of stock or coupon use is given twice. */
import { expect, test } from 'vitest'
import { statement } from '../../src/database/database.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { CheckoutEngine } from '../../src/engine/checkout-engine.ts'
import { upsertCoupon } from '../../src/shop/catalog/coupons.ts'
import { setPrice } from '../../src/shop/catalog/prices.ts'
import { paid } from '../support/store-facts.ts'
import { type Begun, describeStore, type TestStore } from '../support/test-store.ts'

const token = 'tok_approve'
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** The embedded database has one connection: there are fewer possible races, and each takes longer. */
const rounds = (store: TestStore, count: number) => (store.kind === 'postgres' ? count : Math.ceil(count / 5))

/** More processes on the same database. On the embedded database: engines that share it. */
function engines(store: TestStore, count: number): Promise<CheckoutEngine[]> {
  return Promise.all(times(count, () => store.open({ apart: true })))
}

const code = (outcome: Outcome) => (outcome.status === 'failed' ? outcome.failure.code : outcome.status)

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

describeStore('Concurrent requests for one cart', store => {
  test.each([1, 2, 4])(
    'concurrent requests in %s processes create one order, one authorization, and one capture, and return equal results',
    async count => {
      const all = await engines(store, count)
      for (let round = 0; round < rounds(store, 5); round += 1) {
        const { lockId } = await store.begin({ [await store.article()]: 2 })
        const outcomes = await Promise.all(
          times(10, index => (all[index % count] ?? store.engine).processCheckout(lockId, { token })),
        )
        for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0])
        expect(outcomes[0]).toMatchObject({ status: 'completed' })
        expect(await store.facts(lockId)).toEqual(paid(2_500))
        expect(
          await store.sql(`select kind from holdfast_sandbox.requests where checkout_id = $1 order by kind`, [lockId]),
        ).toEqual([{ kind: 'authorize' }, { kind: 'capture' }])
      }
    },
  )

  test('concurrent starts in four processes create one lock', async () => {
    const all = await engines(store, 4)
    for (let round = 0; round < rounds(store, 5); round += 1) {
      const { cartId, sessionId } = await store.cart({ [await store.article()]: 1 })
      const locks = await Promise.all(
        all.flatMap(engine => times(3, () => engine.startCheckout(cartId, { sessionId }))),
      )
      expect(new Set(locks.map(lock => lock.id)).size).toBe(1)
    }
  })

  test('concurrent resuming, processing, and recovery create one order', async () => {
    const all = await engines(store, 3)
    for (let round = 0; round < rounds(store, 5); round += 1) {
      const { lockId } = await store.begin({ [await store.article()]: 2 })
      await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
      await store.gateway.approve(`sbx_${lockId}:authorize:1`)
      const outcomes = await Promise.all(
        all.flatMap(engine => [engine.resumeCheckout(lockId), engine.resumeCheckout(lockId)]),
      )
      await Promise.all(all.map(engine => engine.recover()))
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'completed' })
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 2_500 })
    }
  })

  test('a cancellation that races the payment has one outcome, the same for both requests', async () => {
    const [one, other] = await engines(store, 2)
    const ends: string[] = []
    for (let round = 0; round < rounds(store, 30); round += 1) {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      const pay = () => one?.processCheckout(lockId, { token })
      const cancel = () => other?.cancelCheckout(lockId)
      const both = await Promise.all(round % 2 === 0 ? [pay(), cancel()] : [cancel(), pay()])
      const codes = both.map(outcome => (outcome === undefined ? '' : code(outcome)))
      const facts = await store.facts(lockId)
      expect(['completed', 'failed', 'capturing']).toContain(facts.state)
      ends.push(facts.state)
      if (facts.state === 'completed') for (const code of codes) expect(['completed', 'processing']).toContain(code)
      else expect(codes).toEqual(['checkout_cancelled', 'checkout_cancelled'])
    }
    await store.drain()
    expect(ends).toContain('failed')
  })

  test('a cancellation during a gateway call wins, and the late answer changes nothing', async () => {
    let release = (): void => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    let reached = (): void => {}
    const asked = new Promise<void>(resolve => {
      reached = resolve
    })
    const engine = await store.open({
      gateway: {
        ...store.gateway,
        async authorize(request) {
          reached()
          await gate
          return store.gateway.authorize(request)
        },
      },
      numbers: { gatewayTimeoutMs: 60_000 },
    })
    const { lockId, sku } = await withArticle()
    const paying = engine.processCheckout(lockId, { token })
    await asked
    expect(await store.engine.cancelCheckout(lockId)).toMatchObject({ failure: { code: 'checkout_cancelled' } })
    release()
    expect(await paying).toMatchObject({ failure: { code: 'checkout_cancelled' } })
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', payment: 'voided', charged: 0 })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('an expiry during the capture does not undo it', async () => {
    const other = await store.open({ apart: true })
    const engine = await store.open({
      gateway: {
        ...store.gateway,
        async capture(request) {
          await store.expire(request.checkoutId)
          await store.wake(request.checkoutId)
          await other.recover()
          return store.gateway.capture(request)
        },
      },
    })
    const { lockId } = await withArticle()
    expect(await engine.processCheckout(lockId, { token })).toMatchObject({ status: 'completed' })
    expect(await store.facts(lockId)).toEqual(paid(1_500))
  })

  test('a cart change that races the start happens before it or is refused', async () => {
    const engine = await store.open({ apart: true })
    for (let round = 0; round < rounds(store, 20); round += 1) {
      const sku = await store.article()
      const { cartId, sessionId } = await store.cart({ [sku]: 1 })
      const [change, start] = await Promise.allSettled([
        store.carts.addLine(sessionId, { sku, quantity: 1 }),
        engine.startCheckout(cartId, { sessionId }),
      ])
      expect(start.status).toBe('fulfilled')
      if (change.status === 'rejected') expect(change.reason).toMatchObject({ code: 'cart_locked' })
      const lockId = start.status === 'fulfilled' ? start.value.id : ''
      await engine.processCheckout(lockId, { token })
      const units = change.status === 'fulfilled' ? 2 : 1
      expect(await store.facts(lockId)).toEqual(paid(units * 1_000 + 500))
    }
  })

  async function withArticle(): Promise<Begun & { sku: string }> {
    const sku = await store.article()
    return { ...(await store.begin({ [sku]: 1 })), sku }
  }
})

describeStore(
  'A start during an uncommitted cart change',
  store => {
    test('a start waits for an uncommitted cart change and locks the changed cart', async () => {
      const sku = await store.article()
      const { cartId, sessionId } = await store.cart({ [sku]: 1 })
      const more = statement('test_more_of_it', 'update holdfast.cart_lines set quantity = 2 where cart_id = $1')
      const starting = await store.database.transaction(async tx => {
        await tx.query(more, [cartId])
        const started = store.engine.startCheckout(cartId, { sessionId })
        await expect
          .poll(() =>
            store.sql(
              `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%holdfast.carts%'`,
            ),
          )
          .not.toEqual([])
        return { started }
      })
      const lock = await starting.started
      expect((await store.carts.loadCart(cartId))?.lines).toMatchObject([{ quantity: 2 }])
      expect(await store.engine.processCheckout(lock.id, { token, expectedTotalMinor: 2_500 })).toMatchObject({
        status: 'completed',
      })
    })
  },
  ['postgres'],
)

describeStore('Concurrent buyers', store => {
  test.each([1, 2])(
    'of twenty buyers of one unit in %s processes one gets it, and nineteen are refused with the reason',
    async count => {
      const all = await engines(store, count)
      const sku = await store.article({ stock: [1] })
      const buyers = await Promise.all(times(20, () => store.begin({ [sku]: 1 })))
      const outcomes = await Promise.all(
        buyers.map(({ lockId }, index) => (all[index % count] ?? store.engine).processCheckout(lockId, { token })),
      )
      expect(counted(outcomes.map(code))).toEqual({ completed: 1, insufficient_stock: 19 })
      for (const outcome of outcomes) {
        if (outcome.status !== 'failed') continue
        expect(outcome.failure).toMatchObject({
          phase: 'inventory_reservation',
          context: { sku, requested: 1, available: 0 },
        })
      }
      expect(await store.stock(sku)).toEqual({ onHand: 0, reserved: 0 })
    },
  )

  test('a batch is served in order of arrival, and a refused checkout leaves its stock to the next', async () => {
    const sku = await store.article({ stock: [3] })
    const buyers = await Promise.all([2, 3, 1].map(quantity => store.begin({ [sku]: quantity })))
    const expectations = [undefined, undefined, 1]
    const outcomes = await Promise.all(
      buyers.map(({ lockId }, index) => {
        const expectedTotalMinor = expectations[index]
        return store.engine.processCheckout(lockId, {
          token,
          ...(expectedTotalMinor === undefined ? {} : { expectedTotalMinor }),
        })
      }),
    )
    expect(outcomes.map(code)).toEqual(['completed', 'insufficient_stock', 'cart_changed'])
    expect(await store.stock(sku)).toEqual({ onHand: 1, reserved: 0 })
  })

  test('a coupon with five uses is redeemed five times, and a failed checkout frees its use', async () => {
    const all = await engines(store, 2)
    await upsertCoupon(store.database, { code: 'FIVE', discount: { ratePpm: 500_000 }, usageLimit: 5 })
    const sku = await store.article()
    const buyers = await Promise.all(times(20, () => store.begin({ [sku]: 1 }, { cart: { couponCode: 'FIVE' } })))
    const outcomes = await Promise.all(
      buyers.map(({ lockId }, index) => (all[index % 2] ?? store.engine).processCheckout(lockId, { token })),
    )
    expect(counted(outcomes.map(code))).toEqual({ completed: 5, coupon_exhausted: 15 })

    await upsertCoupon(store.database, { code: 'ONE', discount: { ratePpm: 500_000 }, usageLimit: 1 })
    const declined = await store.begin({ [sku]: 1 }, { cart: { couponCode: 'ONE' } })
    await store.engine.processCheckout(declined.lockId, { token: 'tok_decline' })
    const next = await store.begin({ [sku]: 1 }, { cart: { couponCode: 'ONE' } })
    expect(await store.engine.processCheckout(next.lockId, { token })).toMatchObject({ status: 'completed' })
  })

  test('a coupon with one use per customer is redeemed once per email address, in any spelling', async () => {
    const usageLimitPerCustomer = 1
    await upsertCoupon(store.database, { code: 'ONCE', discount: { ratePpm: 100_000 }, usageLimitPerCustomer })
    const sku = await store.article()
    const all = await engines(store, 2)
    const emails = ['ada@example.com', 'ADA@example.com', ' ada@Example.com ', 'grace@example.com']
    const buyers = await Promise.all(emails.map(() => store.begin({ [sku]: 1 }, { cart: { couponCode: 'ONCE' } })))
    const outcomes = await Promise.all(
      buyers.map(({ lockId }, index) =>
        (all[index % 2] ?? store.engine).processCheckout(lockId, { token, email: emails[index] ?? '' }),
      ),
    )
    expect(counted(outcomes.map(code))).toEqual({ completed: 2, coupon_exhausted: 2 })
    for (let round = 0; round < rounds(store, 8); round += 1) {
      const start = { userId: `customer ${round}` }
      // Each buyer has a different article, so that they compete for the coupon only.
      const known = await Promise.all(
        times(4, async () => store.begin({ [await store.article()]: 1 }, { cart: { couponCode: 'ONCE' }, start })),
      )
      const again = await Promise.all(
        known.map(({ lockId }, index) => (all[index % 2] ?? store.engine).processCheckout(lockId, { token })),
      )
      expect(counted(again.map(code))).toEqual({ completed: 1, coupon_exhausted: 3 })
    }
  })

  test('carts with the same articles in opposite order do not deadlock', async () => {
    const all = await engines(store, 3)
    const skus = await Promise.all(times(4, () => store.article({ stock: [200, 200] })))
    const buyers = await Promise.all(
      times(30, index => {
        const mine = index % 2 === 0 ? skus : skus.toReversed()
        return store.begin(Object.fromEntries(mine.map(sku => [sku, 1])))
      }),
    )
    const tokens = [token, 'tok_decline', 'tok_capture_decline']
    const outcomes = await Promise.all(
      buyers.map(({ lockId }, index) =>
        (all[index % 3] ?? store.engine).processCheckout(lockId, { token: tokens[index % 3] ?? token }),
      ),
    )
    expect(counted(outcomes.map(code))).toEqual({ completed: 10, payment_declined: 10, capture_refused: 10 })
    for (const sku of skus) expect(await store.stock(sku)).toEqual({ onHand: 390, reserved: 0 })
  })

  test('stock and prices that the shop changes during checkouts are not lost', async () => {
    const sku = await store.article({ stock: [50] })
    const buyers = await Promise.all(times(10, () => store.begin({ [sku]: 1 })))
    await Promise.all([
      ...buyers.map(({ lockId }) => store.engine.processCheckout(lockId, { token })),
      ...times(10, index => setPrice(store.database, { sku, currency: 'USD', amountMinor: 1_000 + index })),
    ])
    expect(await store.stock(sku)).toEqual({ onHand: 40, reserved: 0 })
  })
})

describeStore('A batch with one checkout that the database refuses', store => {
  const states = { prepare: 'authorizing', place: 'capturing', settle: 'completed' }

  test.each(Object.entries(states))(
    'in the step %s only the refused checkout fails, and the others complete',
    async (_, state) => {
      const sku = await store.article()
      const buyers = await Promise.all(times(9, () => store.begin({ [sku]: 1 })))
      const poisoned = buyers[4] ?? buyers[0]
      await store.sql(
        `alter table holdfast.checkouts add constraint poison
       check (state <> '${state}' or id <> '${poisoned?.lockId}') not valid`,
      )
      const settled = await Promise.allSettled(
        buyers.map(({ lockId }) => store.engine.processCheckout(lockId, { token })),
      )
      await store.sql('alter table holdfast.checkouts drop constraint poison')
      expect(settled.map(one => (one.status === 'fulfilled' ? code(one.value) : 'thrown'))).toEqual(
        times(9, index => (index === 4 ? 'thrown' : 'completed')),
      )
      await store.drain()
      const end = await store.engine.processCheckout(poisoned?.lockId ?? '', { token })
      expect(code(end)).toBe('completed')
      expect(await store.stock(sku)).toEqual({ onHand: 91, reserved: 0 })
    },
  )

  test('a full queue refuses requests at once, and no accepted checkout is lost', async () => {
    const engine = await store.open({ numbers: { queueMax: 3, batchMax: 1 } })
    const sku = await store.article()
    const buyers = await Promise.all(times(12, () => store.begin({ [sku]: 1 })))
    const settled = await Promise.allSettled(buyers.map(({ lockId }) => engine.processCheckout(lockId, { token })))
    const refused = settled.filter(one => one.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const one of refused) expect(one.reason).toMatchObject({ code: 'overloaded', retryable: true })
    for (const { lockId } of buyers) {
      expect(await engine.processCheckout(lockId, { token })).toMatchObject({ status: 'completed' })
    }
    expect(await store.stock(sku)).toEqual({ onHand: 88, reserved: 0 })
  })
})
