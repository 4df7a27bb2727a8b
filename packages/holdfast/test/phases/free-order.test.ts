/** A free order passes the same phases and rollbacks as any other. */
import { expect, test } from 'vitest'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { upsertCoupon } from '../../src/shop/catalog/coupons.ts'
import { describeStore } from '../support/test-store.ts'

describeStore('A free order', store => {
  async function free() {
    const code = await upsertCoupon(store.database, { code: 'FREE', discount: { ratePpm: 1_000_000 }, usageLimit: 9 })
    const sku = await store.article({ requiresShipping: false })
    const begun = await store.begin({ [sku]: 2 }, { cart: { couponCode: 'FREE' } })
    return { ...begun, sku, code }
  }

  test('completes', async () => {
    const { lockId, sku } = await free()
    const outcome = await store.engine.processCheckout(lockId, { token: 'tok_approve', expectedTotalMinor: 0 })
    expect(outcome).toMatchObject({
      status: 'completed',
      order: { status: 'paid', totalMinor: 0, discountMinor: 2_000 },
    })
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 0, claim: 'redeemed' })
    expect(await store.stock(sku)).toEqual({ onHand: 98, reserved: 0 })
  })

  test('is undone if its capture is declined', async () => {
    const { lockId, sku } = await free()
    await store.engine.processCheckout(lockId, { token: 'tok_capture_decline' })
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', order: 'cancelled', claim: 'released' })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('is undone although the gateway can neither void nor refund it', async () => {
    const { lockId, sku } = await free()
    const gateway: PaymentGateway = {
      ...store.gateway,
      capture: async () => ({ outcome: 'declined', code: 'already_captured', message: 'Taken already.' }),
      void: async () => ({ outcome: 'declined', code: 'already_captured', message: 'Taken already.' }),
      refund: async () => ({ outcome: 'declined', code: 'invalid_request', message: 'Nothing to refund.' }),
      name: 'sandbox',
    }
    const engine = await store.open({ gateway })
    await engine.processCheckout(lockId, { token: 'tok_approve' })
    for (let pass = 0; pass < 3; pass += 1) {
      if ((await store.facts(lockId)).state === 'failed') break
      await store.wake(lockId)
      await engine.recover()
    }
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', order: 'cancelled', claim: 'released' })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    // The ledger of the sandbox does not know the answers of this gateway.
    await store.sql(`update holdfast_sandbox.payments set status = 'voided' where checkout_id = $1`, [lockId])
  })
})
