/** A refund request returns the result of its own refund, even while other refunds run. */
import { expect, test } from 'vitest'
import type { Database } from '../../../src/database/database.ts'
import { requireOrder } from '../../../src/domain/outcome.ts'
import type { PaymentGateway } from '../../../src/payments/gateway.ts'
import { describeStore } from '../../support/test-store.ts'

describeStore('Concurrent refunds', store => {
  test('a declined refund is not reported as the one that succeeded right after it', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const order = requireOrder(await store.engine.processCheckout(lockId, { token: 'tok_approve' }))
    let refused = false
    let another: Promise<unknown> | undefined
    const gateway: PaymentGateway = {
      ...store.gateway,
      async refund() {
        refused = true
        return { outcome: 'declined', code: 'not_now', message: 'Not now.' }
      },
    }
    /** Makes a second refund between the record of the first and its response. */
    const database: Database = {
      ...store.database,
      async query(statement, values) {
        if (refused) another ??= store.engine.refundOrder(order.id, { amountMinor: 100 })
        await another
        return store.database.query(statement, values)
      },
    }
    const engine = await store.open({ database, gateway })
    expect(await engine.refundOrder(order.id, { amountMinor: 700 })).toMatchObject({
      status: 'failed',
      refundedMinor: 0,
      order: { refundedMinor: 100 },
    })
    expect(await store.facts(lockId)).toMatchObject({ charged: 1_400 })
    await engine.close()
  })

  test('a declined refund can be repeated with its key, and is then made once', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const order = requireOrder(await store.engine.processCheckout(lockId, { token: 'tok_approve' }))
    let left = 1
    const gateway: PaymentGateway = {
      ...store.gateway,
      async refund(request) {
        if (left-- > 0) return { outcome: 'declined', code: 'not_now', message: 'Not now.' }
        return store.gateway.refund(request)
      },
    }
    const engine = await store.open({ gateway })
    const again = () => engine.refundOrder(order.id, { amountMinor: 200, key: 'parcel 7' })
    expect(await again()).toMatchObject({ status: 'failed', refundedMinor: 0 })
    for (const _ of [1, 2, 3]) {
      expect(await again()).toMatchObject({ status: 'refunded', refundedMinor: 200, order: { refundedMinor: 200 } })
    }
    expect(await store.facts(lockId)).toMatchObject({ charged: 1_300 })
  })

  test('a repeated refund request settles the refund of a process that died', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const order = requireOrder(await store.engine.processCheckout(lockId, { token: 'tok_approve' }))
    const wanted = { amountMinor: 200, key: 'parcel 8' }
    let thaw = (): void => {}
    let isAsked = false
    const frozen: PaymentGateway = {
      ...store.gateway,
      refund(request) {
        isAsked = true
        return new Promise(resolve => {
          thaw = () => resolve(store.gateway.refund(request))
        })
      },
    }
    const gone = await store.open({ gateway: frozen, apart: true, numbers: { gatewayTimeoutMs: 60_000 } })
    const unanswered = gone.refundOrder(order.id, wanted)
    await expect.poll(() => isAsked).toBe(true)
    // While the lease of the first process runs, the refund is not taken over.
    expect(await store.engine.refundOrder(order.id, wanted)).toMatchObject({ status: 'processing' })
    await store.wake(lockId)
    expect(await store.engine.refundOrder(order.id, wanted)).toMatchObject({ status: 'refunded', refundedMinor: 200 })
    expect(await store.facts(lockId)).toMatchObject({ charged: 1_300 })
    thaw()
    expect(await unanswered).toMatchObject({ status: 'refunded', order: { refundedMinor: 200 } })
    expect(await store.facts(lockId)).toMatchObject({ charged: 1_300 })
  })
})
