/** The simulator as its users see it. */
import type { StripeWebhookEndpoint } from './api/webhook-endpoint.ts'
import type { PlannedFault, StripeFault, WebhookFault } from './faults/faults.ts'
import type { Books, Effect } from './world/books.ts'

export interface StripeSimulator {
  /** The whole API, the pages of authentication, a stand-in for Stripe.js and the control routes. Rejects as a connection does that fails. */
  handle(request: Request, from?: { isLoopback: boolean }): Promise<Response>
  /** What really happened for a checkout: the intents whose `metadata.checkout_id` it is. */
  books(checkoutId: string): Books
  /** Every movement of money, in order. */
  effects(): readonly Effect[]
  /** The latest events, oldest first. */
  events(): { id: string; type: string; data: { object: Record<string, unknown> } }[]
  /** Lets something go wrong with the next calls it fits, or with a share of them. */
  planFault(planned: PlannedFault<StripeFault>): void
  planWebhookFault(planned: PlannedFault<WebhookFault>): void
  clearFaults(): void
  /** What went wrong so far: `lose_answer create` and how often. */
  faultsFired(): Record<string, number>
  /** Moves the simulator's clock forward, and does what is due by then. */
  advance(ms: number): void
  /** Ends an authorization now, as if its time had come; false where there is none. */
  expireAuthorization(intentId: string): boolean
  /** The buyer authenticates, or fails to. Throws where nobody waits for it. */
  authenticate(intentId: string, word: 'complete' | 'fail'): void
  /** A refund fails after all; false where it has already. */
  failRefund(refundId: string): boolean
  /** Opens a dispute over a captured charge; gives its id. */
  dispute(chargeId: string, kind?: 'fraudulent' | 'product_not_received' | 'inquiry'): string
  /** Forgets every idempotency key, as Stripe does after a day. */
  forgetKeys(): void
  addWebhookEndpoint(endpoint: StripeWebhookEndpoint): void
  /** Settles what waited for its time and sends what is due; gives how much that was. */
  runDueJobs(): Promise<number>
  /** How long by the simulator's clock until there is something to do; 0: now, null: never. */
  dueInMs(): number | null
  /** Ends calls whose answers never come. */
  close(): void
}
