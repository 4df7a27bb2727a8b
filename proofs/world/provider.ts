/**
 * The payment provider of a simulated world: an outside world of its own, that keeps its books whoever dies, and that
 * processes reach over the world's network.
 */
import type { PaymentGateway } from '../../packages/holdfast/src/payments/gateway.ts'
import type { Faults } from './faults.ts'

export type ProviderName = 'sandbox' | 'stripe'

/** A process that reaches the provider. */
export interface Caller {
  /** Whose process it is. */
  owner: string
  faults(): Faults
  /** Passes two crash points around a request of its own to the provider. */
  at<Result>(name: string, send: () => Promise<Result>): Promise<Result>
}

export interface Provider {
  readonly name: ProviderName
  /** The gateway as a process reaches it. */
  reach(caller: Caller): PaymentGateway
  /** What the buyer says at the bank. */
  decide(checkoutId: string, word: 'approve' | 'refuse'): Promise<void>
  /** When something happens there by itself, in milliseconds since 1970; null: never. */
  dueAtMs(): Promise<number | null>
  runDueJobs(): Promise<number>
  /** What its books say against the shop's. */
  violations(drained: boolean): Promise<string[]>
  /** As if nothing had ever happened there. */
  begin(): void
  close(): Promise<void>
}
