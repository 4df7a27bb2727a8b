/** The kind of a buyer's payment token, by its prefix, and the parameters that send it to Stripe. */
import type Stripe from 'stripe'

export type StripeToken =
  /** The buyer confirms in the browser, in the Payment Element. */
  | { kind: 'browser' }
  /** An intent that the host's own server created for this checkout. It is verified before it is adopted. */
  | { kind: 'intent'; id: string }
  | { kind: 'method'; parameters: Stripe.PaymentIntentConfirmParams }

/** Returns null for a token that Stripe does not issue. */
export function readToken(token: string | null): StripeToken | null {
  if (token === null || token === '') return { kind: 'browser' }
  // An intent's ID has no second part. With one it is the client secret, which belongs only in the buyer's browser.
  const prefix = /^(?:(pi)_[A-Za-z0-9]+|(pm|ctoken|tok|card|src)_\w+)$/.exec(token)?.slice(1).join('')
  switch (prefix) {
    case 'pi':
      return { kind: 'intent', id: token }
    case 'pm':
    case 'card':
    case 'src':
      return { kind: 'method', parameters: { payment_method: token } }
    case 'ctoken':
      return { kind: 'method', parameters: { confirmation_token: token } }
    case 'tok': {
      // The SDK's type has no `card`, because card numbers must not be sent. A card token may be sent.
      const data = { type: 'card', card: { token } } as unknown as Stripe.PaymentIntentConfirmParams.PaymentMethodData
      return { kind: 'method', parameters: { payment_method_data: data } }
    }
    default:
      return null
  }
}
