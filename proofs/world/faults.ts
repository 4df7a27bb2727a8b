/** What may go wrong in a simulated world, and when: asked once for each thing that could. */
import type { OperationKind } from '../../packages/holdfast/src/payments/gateway.ts'

/**
 * Of a call to the gateway. `lost_request`: it never arrives. `lost_answer`: its answer never arrives. `late`: it
 * arrives long after its caller gave up. `error_before`, `error_after`: a 500 without and with its effect. `refused`,
 * `in_flight`, `too_many`: not taken in (no connection, 409, 429). `mismatch`: says that the key was used for something
 * else. `declined`: definitely refused, without effect. `blind`: a lookup does not find what is there.
 */
export type CallFault =
  | 'lost_request'
  | 'lost_answer'
  | 'late'
  | 'error_before'
  | 'error_after'
  | 'refused'
  | 'in_flight'
  | 'too_many'
  | 'mismatch'
  | 'declined'
  | 'blind'

/**
 * Of a transaction. `lost`: the connection is gone before COMMIT arrives, and stays so however often it is tried.
 * `unknown_undone`, `unknown_done`: gone in COMMIT, and nobody can say what became of it. `pool`: no connection free.
 */
export type TransactionFault = 'lost' | 'unknown_undone' | 'unknown_done' | 'pool'

/** Of a webhook: never comes, comes twice, comes late, comes with another body than was signed. */
export type WebhookFault = 'lost' | 'twice' | 'late' | 'forged'

export interface Faults {
  /** @param isSeen the gateway has seen the call's key before. */
  onCall(kind: OperationKind | 'lookup', isSeen: boolean): CallFault | null
  onTransaction(owner: string): TransactionFault | null
  onWebhook(): WebhookFault | null
  /** A listener fails. */
  onListener(): boolean
  /** How long the gateway remembers a key, and says so; default for ever. */
  readonly keyMemoryMs?: number
  /** A key came again that the gateway has forgotten. */
  onForgotten?(): void
}

export const noFaults: Faults = {
  onCall: () => null,
  onTransaction: () => null,
  onWebhook: () => null,
  onListener: () => false,
}
