/** The interface of the simulator. */
import type { StripeWebhookEndpoint } from './api/webhook-endpoint.ts'
import type { PlannedFault, StripeFault, WebhookFault } from './faults/faults.ts'
import type { Books, Effect } from './world/books.ts'

export interface StripeSimulator {
  /**
   * Answers a request to the API, the authentication pages, the stand-in for Stripe.js, or the control routes. Rejects
   * like a failed connection.
   */
  handle(request: Request, from?: { isLoopback: boolean }): Promise<Response>
  /** The movements of money of a checkout: of the intents whose `metadata.checkout_id` is its ID. */
  books(checkoutId: string): Books
  /** All movements of money, in order. */
  effects(): readonly Effect[]
  /** The latest events, oldest first. */
  events(): { id: string; type: string; data: { object: Record<string, unknown> } }[]
  /** Plans a fault for the next matching calls, or for a share of them. */
  planFault(planned: PlannedFault<StripeFault>): void
  planWebhookFault(planned: PlannedFault<WebhookFault>): void
  clearFaults(): void
  /** The number of faults that fired, by name: `lose_answer create`. */
  faultsFired(): Record<string, number>
  /** Advances the simulator's clock, and runs what is due. */
  advance(ms: number): void
  /** Expires an authorization now. False if there is none. */
  expireAuthorization(intentId: string): boolean
  /** Completes or fails the buyer's authentication. @throws if no authentication is pending. */
  authenticate(intentId: string, word: 'complete' | 'fail'): void
  /** Fails a refund that succeeded. False if it has already failed. */
  failRefund(refundId: string): boolean
  /** Opens a dispute of a captured charge. Returns the ID of the dispute. */
  dispute(chargeId: string, kind?: 'fraudulent' | 'product_not_received' | 'inquiry'): string
  /** Forgets all idempotency keys, as Stripe does after a day. */
  forgetKeys(): void
  addWebhookEndpoint(endpoint: StripeWebhookEndpoint): void
  /** Runs due jobs and sends due webhooks. Returns their number. */
  runDueJobs(): Promise<number>
  /** The time until the next due job by the simulator's clock; 0: now, null: none. */
  dueInMs(): number | null
  /** Ends the calls that wait without an answer. */
  close(): void
}
