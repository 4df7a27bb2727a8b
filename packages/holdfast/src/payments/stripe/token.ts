/** What a buyer's token is to Stripe, by its form; and how it is sent along. */
import type Stripe from 'stripe'

export type StripeToken =
  /** The buyer confirms in the browser, in the Payment Element. */
  | { kind: 'browser' }
  /** An intent that was made for this checkout already, and may be confirmed by now: verified before it is adopted. */
  | { kind: 'intent'; id: string }
  | { kind: 'method'; parameters: Stripe.PaymentIntentConfirmParams }

/** Null: it is nothing that Stripe gives out. */
export function readToken(token: string | null): StripeToken | null {
  if (token === null || token === '') return { kind: 'browser' }
  // An intent's id has no further part: with one it is the secret of an intent, which is for its browser alone.
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
      // The types name no card here, because a bare number must not be sent; a token of one may.
      const data = { type: 'card', card: { token } } as unknown as Stripe.PaymentIntentConfirmParams.PaymentMethodData
      return { kind: 'method', parameters: { payment_method_data: data } }
    }
    default:
      return null
  }
}
