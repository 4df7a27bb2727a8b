/** Two processes compete for the last unit or coupon use at the same moment, made to meet at a barrier. */
import { expect, test } from 'vitest'
import { statement } from '../../src/database/database.ts'
import type { CheckoutEngine } from '../../src/engine/checkout-engine.ts'
import { upsertCoupon } from '../../src/shop/catalog/coupons.ts'
import { type Begun, describeStore } from '../support/test-store.ts'

const holdStock = statement(
  'test_hold_stock',
  `select 1 from holdfast.stock_levels where variant_id = (select id from holdfast.variants where sku = $1) for update`,
)
const holdCoupon = statement('test_hold_coupon', 'select 1 from holdfast.coupons where code = $1 for update')

describeStore(
  'Two processes at the same moment',
  store => {
    /** Both pay while the row is locked, and continue once both wait for it, so neither sees the other's change. */
    async function meet(buyers: readonly Begun[], held: typeof holdStock, key: string): Promise<string[]> {
      const engines = await Promise.all(buyers.map(() => store.open({ apart: true })))
      const pay = (engine: CheckoutEngine, buyer: Begun | undefined) =>
        engine.processCheckout(buyer?.lockId ?? '', { token: 'tok_approve' })
      const { paying } = await store.database.transaction(async tx => {
        await tx.query(held, [key])
        const begun = Promise.all(engines.map((engine, index) => pay(engine, buyers[index])))
        begun.catch(() => {})
        await expect
          .poll(
            () =>
              store.sql(
                `select count(*) as waiting from pg_stat_activity
               where datname = current_database() and wait_event_type = 'Lock'`,
              ),
            { timeout: 10_000 },
          )
          .toEqual([{ waiting: buyers.length }])
        return { paying: begun }
      })
      const outcomes = await paying
      return outcomes.map(outcome => (outcome.status === 'failed' ? outcome.failure.code : outcome.status)).toSorted()
    }

    test('want the last unit: one gets it, the other fails with insufficient_stock', async () => {
      const sku = await store.article({ stock: [1] })
      const buyers = await Promise.all([1, 2].map(() => store.begin({ [sku]: 1 })))
      expect(await meet(buyers, holdStock, sku)).toEqual(['completed', 'insufficient_stock'])
      expect(await store.stock(sku)).toEqual({ onHand: 0, reserved: 0 })
    })

    test('want the last use of a coupon, and share nothing else: one gets it', async () => {
      await upsertCoupon(store.database, { code: 'LAST', discount: { ratePpm: 500_000 }, usageLimit: 1 })
      const cart = { couponCode: 'LAST' }
      const buyers = await Promise.all([1, 2].map(async () => store.begin({ [await store.article()]: 1 }, { cart })))
      expect(await meet(buyers, holdCoupon, 'LAST')).toEqual(['completed', 'coupon_exhausted'])
    })

    test('want a coupon for the same customer, who may use it once: one gets it', async () => {
      await upsertCoupon(store.database, { code: 'MINE', discount: { ratePpm: 500_000 }, usageLimitPerCustomer: 1 })
      const more = { cart: { couponCode: 'MINE' }, start: { userId: 'ada' } }
      const buyers = await Promise.all([1, 2].map(async () => store.begin({ [await store.article()]: 1 }, more)))
      expect(await meet(buyers, holdCoupon, 'MINE')).toEqual(['completed', 'coupon_exhausted'])
    })
  },
  ['postgres'],
)
