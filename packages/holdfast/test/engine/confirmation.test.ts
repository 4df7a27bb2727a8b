/** A buyer's confirmation while a webhook is processed: Stripe sends one for the intent that was just created. */
import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { describeStripe } from '../payments/stripe/fixture.ts'

describeStripe(
  'A buyer who must confirm in the browser',
  shop => {
    test('gets the confirmation also while a worker looks the payment up at Stripe', async () => {
      const { lockId, sessionId } = await shop.pay({})
      let release = (): void => {}
      const released = new Promise<void>(resolve => {
        release = resolve
      })
      let arrive = (): void => {}
      const asked = new Promise<void>(resolve => {
        arrive = resolve
      })
      const httpClient = Stripe.createFetchHttpClient(async (url, init) => {
        arrive()
        await released
        return shop.simulator.handle(new Request(url as string, init))
      })
      const busy = await shop.open({ stripe: { httpClient }, numbers: { gatewayTimeoutMs: 60_000 } })
      const asking = busy.resumeCheckout(lockId)
      await asked
      const confirmation = await shop.engine.getConfirmation(lockId, { sessionId })
      release()
      expect(await asking).toMatchObject({ status: 'action_required' })
      expect(confirmation).toMatchObject({ clientSecret: expect.stringContaining('_secret_') })
    })
  },
  ['postgres'],
)
