/** The Stripe gateway on the official SDK, as in an adopter's shop. */
import type { PaymentGateway } from '../../../packages/holdfast/src/payments/gateway.ts'
import { createStripeGateway } from '../../../packages/holdfast/src/payments/stripe/stripe.ts'
import type { ClientOptions } from '../gateway.ts'
import { settings } from '../settings.ts'
import { publishableKey, secretKey } from './keys.ts'

/** The timeout of the engine: the three requests of an authorization end within a lease. */
const timeoutMs = (settings.engine.leaseSeconds * 1_000) / 4

export function stripeClient({ url, webhookSecret }: ClientOptions): PaymentGateway {
  return createStripeGateway({ secretKey, publishableKey, webhookSecret, apiUrl: url, timeoutMs })
}
