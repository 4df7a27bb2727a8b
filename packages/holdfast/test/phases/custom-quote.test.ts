/** The pricing port: a custom quote replaces the built-in pricing. */
import { expect, test } from 'vitest'
import { quote } from '../../src/domain/pricing.ts'
import { paid } from '../support/store-facts.ts'
import { describeStore } from '../support/test-store.ts'

describeStore('A custom quote', store => {
  test('that ignores the coupon of the cart does not claim it', async () => {
    const engine = await store.open({
      quote: (cart, terms) => quote({ ...cart, couponCode: null }, { ...terms, coupon: null }),
    })
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { cart: { couponCode: 'TEN' } })
    expect(await engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({
      status: 'completed',
      order: { couponCode: null, totalMinor: 1_500 },
    })
    expect(await store.facts(lockId)).toEqual(paid(1_500))
    expect(await store.violations()).toEqual([])
  })

  test('that throws leaves its checkout unchanged and does not affect others of the batch', async () => {
    const engine = await store.open({
      quote(cart, terms) {
        if (cart.email?.startsWith('bad')) throw new TypeError('no price for bad people')
        return quote(cart, terms)
      },
    })
    const sku = await store.article({ stock: [9] })
    const good = await Promise.all([1, 2, 3].map(() => store.begin({ [sku]: 1 })))
    const bad = await store.begin({ [sku]: 1 }, { cart: { email: 'bad@example.com' } })
    const outcomes = await Promise.allSettled(
      [bad, ...good].map(({ lockId }) => engine.processCheckout(lockId, { token: 'tok_approve' })),
    )
    expect(outcomes.map(outcome => outcome.status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect(await store.facts(bad.lockId)).toMatchObject({ state: 'pending', holds: [] })
    expect(await store.stock(sku)).toEqual({ onHand: 6, reserved: 0 })
    await store.engine.cancelCheckout(bad.lockId)
  })
})
