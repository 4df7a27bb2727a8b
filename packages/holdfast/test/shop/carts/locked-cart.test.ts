/** With stock held at the start, exactly the held units are sold, even if the cart changes in the meantime. */
import { expect, test } from 'vitest'
import { createCarts } from '../../../src/shop/carts/carts.ts'
import { describeStore } from '../../support/test-store.ts'

describeStore('A cart that can be changed while its stock is held', store => {
  test('a changed cart is never sold more than it holds', async () => {
    const sku = await store.article({ stock: [3] })
    const other = await store.article({ stock: [0] })
    const engine = await store.open({ config: { holdOn: 'start' } })
    const open = createCarts(store.database, { currency: 'USD', protection: false })
    const { lockId, sessionId } = await store.begin({ [sku]: 1 }, { engine })
    expect(await store.stock(sku)).toEqual({ onHand: 3, reserved: 1 })
    await open.addLine(sessionId, { sku, quantity: 4 })
    await open.addLine(sessionId, { sku: other, quantity: 1 })
    const outcome = await engine.processCheckout(lockId, { token: 'tok_approve' })
    expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'cart_changed', retryable: true } })
    expect(await store.stock(sku)).toEqual({ onHand: 3, reserved: 0 })
    expect(await store.violations()).toEqual([])
  })

  test('an unchanged cart is sold as it was held', async () => {
    const sku = await store.article({ stock: [1, 2] })
    const backOrdered = await store.article({ stock: [1], policy: 'continue' })
    const engine = await store.open({ config: { holdOn: 'start' } })
    const { lockId } = await store.begin({ [sku]: 3, [backOrdered]: 5 }, { engine })
    expect(await engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({ status: 'completed' })
    expect(await store.stock(sku)).toEqual({ onHand: 0, reserved: 0 })
    expect(await store.stock(backOrdered)).toEqual({ onHand: 0, reserved: 0 })
  })
})
