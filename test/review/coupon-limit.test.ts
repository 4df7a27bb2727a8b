/** A limited coupon that many want at once, in several processes, each with an article of their own: nothing else is between them. */
import { expect, test } from 'vitest'
import { upsertCoupon } from '../../src/catalog/coupons.ts'
import { describeStore } from '../../src/testing/test-store.ts'

describeStore(
  'A coupon for three',
  store => {
    test('is redeemed by three of nine buyers who share nothing but the coupon', async () => {
      const engines = await Promise.all([1, 2, 3].map(() => store.open({ apart: true })))
      for (let round = 0; round < 6; round += 1) {
        const code = `THREE${round}`
        await upsertCoupon(store.database, { code, discount: { ratePpm: 500_000 }, usageLimit: 3 })
        const buyers = await Promise.all(
          Array.from({ length: 9 }, async () =>
            store.begin({ [await store.article()]: 1 }, { cart: { couponCode: code } }),
          ),
        )
        const outcomes = await Promise.all(
          buyers.map(({ lockId }, index) =>
            (engines[index % engines.length] ?? store.engine).processCheckout(lockId, { token: 'tok_approve' }),
          ),
        )
        const codes = outcomes.map(outcome => (outcome.status === 'failed' ? outcome.failure.code : outcome.status))
        expect(codes.toSorted()).toEqual([...Array(3).fill('completed'), ...Array(6).fill('coupon_exhausted')])
      }
    })
  },
  ['postgres'],
)
