/** A payment that the gateway is known to have is not given up because one question about it was lost. */
import { expect, test } from 'vitest'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { describeStore } from '../support/test-store.ts'

describeStore('What the buyer approved', store => {
  test('completes though a process without the token asks, and is not answered at first', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
    await store.gateway.approve(`sbx_${lockId}:authorize:1`)
    let left = 1
    const gateway: PaymentGateway = {
      ...store.gateway,
      async lookup(request) {
        return left-- > 0 ? { outcome: 'unknown', message: '500' } : store.gateway.lookup(request)
      },
    }
    const engine = await store.open({ gateway, config: { secret: 'another secret, so that no token can be opened' } })
    expect(await engine.resumeCheckout(lockId)).toMatchObject({ status: 'processing' })
    expect(await engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
  })
})
