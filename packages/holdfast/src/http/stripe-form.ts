/**
 * Stripe's Payment Element on the checkout page: where its script comes from, and what that one page is allowed for it.
 * Card data goes from Stripe's frames to Stripe; no page of the shop ever holds it.
 */
import type { HttpConfig } from './context.ts'

export interface StripeForm {
  /** The address of Stripe.js. */
  script: string
  /** What the page's content security policy allows beside the shop itself. */
  allowed: { scripts: readonly string[]; frames: readonly string[]; connections: readonly string[] }
}

/** Stripe wants it loaded from its own host, always. The release is the one of the API version that the gateway speaks. */
const stripeScript = 'https://js.stripe.com/endive/stripe.js'

/** As docs.stripe.com/security/guide lists them for Stripe.js; its maps are for an address form that is not used here. */
const stripeHosts: StripeForm['allowed'] = {
  scripts: ['https://js.stripe.com', 'https://*.js.stripe.com'],
  frames: ['https://js.stripe.com', 'https://*.js.stripe.com', 'https://hooks.stripe.com'],
  connections: ['https://api.stripe.com'],
}

/**
 * Null where buyers do not get the form: another gateway, or no publishable key.
 * @throws {Error} where a simulator would take payments in production.
 */
export function stripeFormOf({ stripe, production }: Pick<HttpConfig, 'stripe' | 'production'>): StripeForm | null {
  if (!stripe || stripe.publishableKey === null) return null
  const { apiUrl = null } = stripe
  if (apiUrl === null) return { script: stripeScript, allowed: stripeHosts }
  if (production) throw new Error('Payments in production go to Stripe itself: stripe.apiUrl must not be set.')
  const { origin } = new URL(apiUrl)
  const script = origin + new URL(stripeScript).pathname
  return { script, allowed: { scripts: [origin], frames: [], connections: [origin] } }
}
