/** A row of `holdfast.checkouts` as statements read it. */
import type { Address } from '../domain/cart.ts'
import type { Failure } from '../domain/failure.ts'
import type { RequiredAction } from '../domain/outcome.ts'
import type { CheckoutState, RestingState } from '../domain/states.ts'

/** What the buyer entered for this checkout in addition to the cart. Never the token. */
export interface CheckoutDetails {
  method: 'card' | 'paypal' | 'bank_transfer'
  email: string | null
  shippingAddress: Address | null
  billingAddress: Address | null
  shippingMethod: string | null
  notes: string | null
  returnUrl: string | null
  captureLater: boolean
  /** A card without a token: the buyer confirms the payment in the browser. */
  confirmsInBrowser?: boolean
}

export interface CheckoutRow {
  id: string
  cart_id: string
  session_id: string
  user_id: string | null
  state: RestingState
  holds_cart: boolean
  version: number
  epoch: number
  lease_owner: string | null
  wake_at: string | null
  tries: number
  locked_at: string
  expires_at: string
  completed_at: string | null
  failed_at: string | null
  failure: Failure | null
  metadata: Record<string, unknown>
  currency: string | null
  total_minor: number | null
  gateway: string | null
  details: CheckoutDetails | null
  sealed_token: string | null
  action: RequiredAction | null
  authorization_valid_until: string | null
  /** The database's clock when the row was read. */
  now: string
  /** `expires_at` has passed, by the database's clock. */
  expired: boolean
  /** `wake_at` has passed: no lease is active, even if `lease_owner` is set. */
  awake: boolean
}

export interface PathStep {
  to: CheckoutState
  durationUs?: number
  details?: Record<string, unknown>
  /** For subscribers of moves; not stored. */
  facts?: StepFacts
}

/** Details of a step that its history does not keep. */
export interface StepFacts {
  /** Units held or sold. */
  units?: number | undefined
  orderId?: string | undefined
  orderNumber?: string
  /** The gateway's ID of the payment. */
  reference?: string | null
  /** How the payment was undone. */
  payment?: 'voided' | 'refunded' | undefined
  /** Milliseconds since the previous phase began or was taken over. */
  sinceMs?: number
  /** Held stock was released. */
  isReleased?: boolean
}
