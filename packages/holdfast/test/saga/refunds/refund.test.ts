/** Refunds: at most the captured amount, once per key, settled by lookup, with optional restocking. */
import { expect, test } from 'vitest'
import { requireOrder } from '../../../src/domain/outcome.ts'
import { describeStore, type TestStore } from '../../support/test-store.ts'

async function bought(store: TestStore, quantity = 2) {
  const sku = await store.article({ stock: [10] })
  const { lockId } = await store.begin({ [sku]: quantity })
  return { sku, lockId, order: requireOrder(await store.engine.processCheckout(lockId, { token: 'tok_approve' })) }
}

describeStore('Refunds', store => {
  test('a refund without an amount refunds the whole remainder and updates the order', async () => {
    const { order, lockId, sku } = await bought(store)
    const refund = await store.engine.refundOrder(order.id, { reason: 'broken' })
    expect(refund).toMatchObject({
      status: 'refunded',
      refundedMinor: 2_500,
      order: { status: 'refunded', refundedMinor: 2_500 },
    })
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed', order: 'refunded', charged: 0 })
    expect((await store.facts(lockId)).events.at(-1)).toBe('OrderRefunded')
    expect(await store.stock(sku)).toEqual({ onHand: 8, reserved: 0 })
  })

  test('partial refunds never exceed the captured amount', async () => {
    const { order, lockId } = await bought(store)
    expect(await store.engine.refundOrder(order.id, { amountMinor: 1_000 })).toMatchObject({
      status: 'refunded',
      order: { status: 'partially_refunded', refundedMinor: 1_000 },
    })
    await expect(store.engine.refundOrder(order.id, { amountMinor: 1_501 })).rejects.toMatchObject({
      code: 'not_refundable',
      context: { refundable: 1_500 },
    })
    expect(await store.engine.refundOrder(order.id)).toMatchObject({
      refundedMinor: 1_500,
      order: { status: 'refunded' },
    })
    await expect(store.engine.refundOrder(order.id)).rejects.toMatchObject({ code: 'not_refundable' })
    expect(await store.facts(lockId)).toMatchObject({ charged: 0 })
  })

  test.each([0, -1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER])('a refund of %s is refused', async amountMinor => {
    const { order, lockId } = await bought(store)
    await expect(store.engine.refundOrder(order.id, { amountMinor })).rejects.toMatchObject({ code: 'not_refundable' })
    expect(await store.facts(lockId)).toMatchObject({ charged: 2_500 })
  })

  test('a key makes one refund, also for repeated and concurrent requests', async () => {
    const { order, lockId } = await bought(store)
    const refunds = await Promise.all(
      Array.from({ length: 6 }, () => store.engine.refundOrder(order.id, { amountMinor: 700, key: 'return 1' })),
    )
    for (const refund of refunds) expect(refund).toMatchObject({ refundedMinor: 700 })
    expect(await store.engine.refundOrder(order.id, { amountMinor: 700, key: 'return 1' })).toMatchObject({
      status: 'refunded',
      order: { refundedMinor: 700 },
    })
    expect(await store.facts(lockId)).toMatchObject({ charged: 1_800 })
    await store.engine.refundOrder(order.id, { amountMinor: 700, key: 'return 2' })
    expect(await store.facts(lockId)).toMatchObject({ charged: 1_100 })
  })

  test('a key that was used for a different amount is refused', async () => {
    const { order } = await bought(store)
    await store.engine.refundOrder(order.id, { amountMinor: 700, key: 'return 1' })
    await expect(store.engine.refundOrder(order.id, { amountMinor: 900, key: 'return 1' })).rejects.toMatchObject({
      code: 'not_refundable',
    })
  })

  test('two concurrent full refunds refund the order once', async () => {
    const { order, lockId } = await bought(store)
    const refunds = await Promise.allSettled([store.engine.refundOrder(order.id), store.engine.refundOrder(order.id)])
    expect(refunds.map(refund => refund.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await store.facts(lockId)).toMatchObject({ charged: 0, order: 'refunded' })
  })

  test.each(['error_after', 'error_before'] as const)(
    'a refund answered with 500 (%s) is settled by lookup',
    async fault => {
      const { order, lockId } = await bought(store)
      let left = 2
      store.faults.with = ({ kind }) => (kind === 'refund' && left-- > 0 ? fault : null)
      const first = await store.engine.refundOrder(order.id, { key: 'once' })
      expect(first.status).toBe(fault === 'error_after' ? 'refunded' : 'processing')
      await store.drain()
      expect(await store.engine.refundOrder(order.id, { key: 'once' })).toMatchObject({
        status: 'refunded',
        order: { status: 'refunded' },
      })
      expect(await store.facts(lockId)).toMatchObject({ charged: 0 })
      expect((await store.facts(lockId)).events.filter(type => type === 'OrderRefunded')).toHaveLength(1)
    },
  )

  test('no refund begins while another one has an unknown outcome', async () => {
    const { order } = await bought(store)
    store.faults.with = ({ kind }) => (kind === 'refund' ? 'error_before' : null)
    expect(await store.engine.refundOrder(order.id, { amountMinor: 100 })).toMatchObject({ status: 'processing' })
    await expect(store.engine.refundOrder(order.id, { amountMinor: 100 })).rejects.toMatchObject({
      code: 'not_refundable',
      retryable: true,
    })
  })

  test('units are restocked with the last refund if requested', async () => {
    const { order, sku } = await bought(store, 3)
    await store.engine.refundOrder(order.id, { amountMinor: 500, restock: true })
    expect(await store.stock(sku)).toEqual({ onHand: 7, reserved: 0 })
    await store.engine.refundOrder(order.id, { restock: true })
    expect(await store.stock(sku)).toEqual({ onHand: 10, reserved: 0 })
  })

  test('an unpaid or unknown order cannot be refunded', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const order = requireOrder(await store.engine.processCheckout(lockId, { token: 'tok_approve', captureLater: true }))
    await expect(store.engine.refundOrder(order.id)).rejects.toMatchObject({ code: 'not_refundable' })
    await expect(store.engine.refundOrder(lockId)).rejects.toMatchObject({ code: 'order_not_found' })
    await store.engine.cancelCheckout(lockId)
    await expect(store.engine.refundOrder(order.id)).rejects.toMatchObject({ code: 'not_refundable' })
  })

  test('the operator of a refund is recorded', async () => {
    const { order, lockId } = await bought(store)
    await store.engine.refundOrder(order.id, { actor: 'ada', reason: 'broken' })
    expect(
      await store.sql('select action, actor from holdfast.admin_actions where checkout_id = $1', [lockId]),
    ).toEqual([{ action: 'refund', actor: 'ada' }])
  })
})
