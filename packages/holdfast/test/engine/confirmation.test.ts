/** A webhook that comes while a buyer is told what to confirm: Stripe sends one for the intent that was just made. */
import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { describeStripe } from '../payments/stripe/fixture.ts'

describeStripe(
  'A buyer who is to confirm in the browser',
  shop => {
    test('is told what to confirm also while somebody asks Stripe about the payment', async () => {
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
      const told = await shop.engine.getConfirmation(lockId, { sessionId })
      release()
      expect(await asking).toMatchObject({ status: 'action_required' })
      expect(told).toMatchObject({ clientSecret: expect.stringContaining('_secret_') })
    })
  },
  ['postgres'],
)
