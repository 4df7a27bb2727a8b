/** A payment with a known reference is not abandoned because one lookup failed. */
import { expect, test } from 'vitest'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { describeStore } from '../support/test-store.ts'

describeStore('An approved payment', store => {
  test('an approved payment completes in a process without its token, even if the first lookup fails', async () => {
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
    const engine = await store.open({
      gateway,
      config: { secret: 'a different secret, so that no token can be decrypted' },
    })
    expect(await engine.resumeCheckout(lockId)).toMatchObject({ status: 'processing' })
    expect(await engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
  })
})
