/**
 * The payment provider of a simulated world. Its books survive every crash of a process; processes reach it through the
 * simulated network.
 */
import type { PaymentGateway } from '../../packages/holdfast/src/payments/gateway.ts'
import type { Faults } from './faults.ts'

export type ProviderName = 'sandbox' | 'stripe'

/** A process that calls the provider. */
export interface Caller {
  /** The name of the process. */
  owner: string
  faults(): Faults
  /** Adds a crash point before and after a request to the provider. */
  at<Result>(name: string, send: () => Promise<Result>): Promise<Result>
}

export interface Provider {
  readonly name: ProviderName
  /** The gateway for one process. */
  reach(caller: Caller): PaymentGateway
  /** The buyer's decision at the bank. */
  decide(checkoutId: string, decision: 'approve' | 'refuse'): Promise<void>
  /** The time of the next job of the provider, in milliseconds since 1970; null: none. */
  dueAtMs(): Promise<number | null>
  runDueJobs(): Promise<number>
  /** Contradictions between the provider's books and the shop's database. */
  violations(drained: boolean): Promise<string[]>
  /** Resets the provider. */
  begin(): void
  close(): Promise<void>
}
