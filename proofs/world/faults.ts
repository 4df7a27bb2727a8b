/** The faults of a simulated world. The world asks once per event whether a fault occurs. */
import type { OperationKind } from '../../packages/holdfast/src/payments/gateway.ts'

/**
 * A fault of a gateway call:
 * - `lost_request`: the request never arrives.
 * - `lost_answer`: the answer never arrives.
 * - `late`: the request arrives long after its caller gave up.
 * - `error_before`, `error_after`: a 500 without or with the effect.
 * - `refused`, `in_flight`, `too_many`: not executed (no connection, 409, 429).
 * - `mismatch`: the gateway says that the key was used with other parameters.
 * - `declined`: definitely declined, without effect.
 * - `blind`: a lookup does not find an existing operation.
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
 * A fault of a transaction:
 * - `lost`: the connection is lost before COMMIT, also on every retry.
 * - `unknown_undone`, `unknown_done`: the connection is lost during COMMIT, whose outcome stays unknown.
 * - `pool`: no connection is free.
 */
export type TransactionFault = 'lost' | 'unknown_undone' | 'unknown_done' | 'pool'

/** A fault of a webhook: lost, delivered twice, late, or with a body that does not match its signature. */
export type WebhookFault = 'lost' | 'twice' | 'late' | 'forged'

export interface Faults {
  /** @param isSeen whether the gateway has seen the key of the call before. */
  onCall(kind: OperationKind | 'lookup', isSeen: boolean): CallFault | null
  onTransaction(owner: string): TransactionFault | null
  onWebhook(): WebhookFault | null
  /** Whether a listener fails. */
  onListener(): boolean
  /** How long the gateway remembers a key. Default: forever. */
  readonly keyMemoryMs?: number
  /** Called when a forgotten key is used again. */
  onForgotten?(): void
}

export const noFaults: Faults = {
  onCall: () => null,
  onTransaction: () => null,
  onWebhook: () => null,
  onListener: () => false,
}
