/** A webhook whose checkout is leased by another worker is processed once the lease is released. */
import { expect, test } from 'vitest'
import { paid } from '../../support/store-facts.ts'
import { describeStore } from '../../support/test-store.ts'

describeStore(
  'A webhook',
  store => {
    test('a webhook for a busy checkout is processed once it is free, although nothing else triggers a check', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 2 })
      await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
      let release = (): void => {}
      const released = new Promise<void>(resolve => {
        release = resolve
      })
      let lookedUp = (): void => {}
      const isLookingUp = new Promise<void>(resolve => {
        lookedUp = resolve
      })
      const engine = await store.open({
        gateway: {
          ...store.gateway,
          async lookup(request) {
            const answer = await store.gateway.lookup(request)
            lookedUp()
            await released
            return answer
          },
        },
        numbers: { gatewayTimeoutMs: 60_000 },
      })
      const asking = engine.resumeCheckout(lockId)
      await isLookingUp
      store.webhooks.to = store.engine
      await store.gateway.approve(`sbx_${lockId}:authorize:1`)
      await store.pass(1)
      await store.engine.recover()
      release()
      expect(await asking).toMatchObject({ status: 'action_required' })
      await store.engine.recover()
      const events = ['CheckoutStarted', 'PaymentActionRequired', 'CheckoutCompleted']
      expect(await store.facts(lockId)).toEqual(paid(2_500, { events }))
    })
  },
  ['postgres'],
)
