/**
 * Stripe's Payment Element on the checkout page: the address of its script and the content security policy it needs.
 * Card data goes from Stripe's frames directly to Stripe and never reaches the shop (A12).
 */
import type { HttpConfig } from './context.ts'

export interface StripeForm {
  /** The URL of Stripe.js. */
  script: string
  /** Origins that the page's content security policy allows in addition to the shop. */
  allowed: { scripts: readonly string[]; frames: readonly string[]; connections: readonly string[] }
}

/** Stripe requires loading it from this host. The release belongs to the API version of the gateway. */
const stripeScript = 'https://js.stripe.com/endive/stripe.js'

/** From docs.stripe.com/security/guide, for Stripe.js, without the maps of the address form, which is not used here. */
const stripeHosts: StripeForm['allowed'] = {
  scripts: ['https://js.stripe.com', 'https://*.js.stripe.com'],
  frames: ['https://js.stripe.com', 'https://*.js.stripe.com', 'https://hooks.stripe.com'],
  connections: ['https://api.stripe.com'],
}

/**
 * Null if the gateway is not Stripe or the publishable key is missing.
 * @throws {Error} if a simulator is configured in production.
 */
export function stripeFormOf({ stripe, production }: Pick<HttpConfig, 'stripe' | 'production'>): StripeForm | null {
  if (!stripe || stripe.publishableKey === null) return null
  const { apiUrl = null } = stripe
  if (apiUrl === null) return { script: stripeScript, allowed: stripeHosts }
  if (production) throw new Error('stripe.apiUrl must not be set in production: it would send payments to a simulator')
  const { origin } = new URL(apiUrl)
  const script = origin + new URL(stripeScript).pathname
  return { script, allowed: { scripts: [origin], frames: [], connections: [origin] } }
}
