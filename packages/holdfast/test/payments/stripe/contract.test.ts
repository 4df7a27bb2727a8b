/** The Stripe gateway passes the gateway contract, through the official SDK and the simulator. */
import Stripe from 'stripe'
import { createStripeSimulator } from '../../../../stripe-simulator/src/create-simulator.ts'
import { gatewayContract } from '../../../../testing/src/gateway/gateway-contract.ts'
import { createStripeGateway } from '../../../src/payments/stripe/stripe.ts'

gatewayContract('Stripe', async () => {
  const simulator = createStripeSimulator({ sleep: async () => {} })
  const gateway = createStripeGateway({
    secretKey: 'sk_test_simulated1234',
    webhookSecret: 'whsec_simulated1234',
    apiUrl: 'http://stripe.invalid',
    httpClient: Stripe.createFetchHttpClient((url, init) => simulator.handle(new Request(url as string, init))),
  })
  return {
    gateway,
    tokens: { approve: 'pm_card_visa', decline: 'pm_card_visa_chargeDeclinedInsufficientFunds' },
    async books(checkoutId) {
      const { authorizations, openMinor, capturedMinor, refundedMinor } = simulator.books(checkoutId)
      return { authorizations, openMinor, capturedMinor, refundedMinor }
    },
    async stop() {
      simulator.close()
    },
  }
})
