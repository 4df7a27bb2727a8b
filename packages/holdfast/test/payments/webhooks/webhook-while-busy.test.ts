/** A webhook that finds its checkout in somebody's hands is not lost: it is heeded once they are done. */
import { expect, test } from 'vitest'
import { paid } from '../../support/store-facts.ts'
import { describeStore } from '../../support/test-store.ts'

describeStore(
  'A webhook',
  store => {
    test('that finds its checkout busy is heeded once it is free, though nobody else would look', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 2 })
      await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
      let release = (): void => {}
      const released = new Promise<void>(resolve => {
        release = resolve
      })
      let heard = (): void => {}
      const hasHeard = new Promise<void>(resolve => {
        heard = resolve
      })
      const engine = await store.open({
        gateway: {
          ...store.gateway,
          async lookup(request) {
            const answer = await store.gateway.lookup(request)
            heard()
            await released
            return answer
          },
        },
        numbers: { gatewayTimeoutMs: 60_000 },
      })
      const asking = engine.resumeCheckout(lockId)
      await hasHeard
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
