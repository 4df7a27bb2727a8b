/** People name orders by number, by ID, or by the ID of the checkout. */
import { expect, test } from 'vitest'
import { findOrder } from '../../../src/shop/orders/find-order.ts'
import { describeStore } from '../../support/test-store.ts'

describeStore('findOrder', store => {
  test('an order is found by its number, its id, and the id of its checkout', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const outcome = await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    const order = outcome.status === 'completed' ? outcome.order : null
    expect(order?.number).toMatch(/^\d{6,}$/)
    for (const name of [order?.number ?? '', order?.id ?? '', lockId]) {
      expect(await findOrder(store.database, name)).toEqual(order)
    }
  })

  test('an order number can be any text, and two orders cannot share one', async () => {
    const numbered = async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token: 'tok_approve' })
      return lockId
    }
    const lockId = await numbered()
    const rename = 'update holdfast.orders set number = $2 where checkout_id = $1::uuid returning id'
    await store.sql(rename, [lockId, 'WEB-2026/7'])
    expect(await findOrder(store.database, 'WEB-2026/7')).toMatchObject({ checkoutId: lockId, number: 'WEB-2026/7' })
    await expect(store.sql(rename, [await numbered(), 'WEB-2026/7'])).rejects.toMatchObject({
      constraint: 'orders_number_key',
    })
  })

  test('an unknown number, id, or text finds nothing', async () => {
    for (const name of ['999999999999999999999', '01920000-0000-7000-8000-000000000000', 'no such order']) {
      expect(await findOrder(store.database, name)).toBeNull()
    }
  })
})
