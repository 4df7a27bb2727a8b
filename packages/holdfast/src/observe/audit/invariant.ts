/** The invariants of `docs/guarantees.md` that the auditor checks, and the form of a check. */

export const invariants = {
  A1: 'at most one order per checkout and one active checkout per cart',
  A2: 'captured at most once, captured ≤ authorized, refunded ≤ captured and ≤ sold, no capture after a void',
  A3: 'frozen total = authorized = order = captured, in amount and currency',
  A4: 'every effect at the gateway has an operation row; one key, one set of parameters, one effect',
  A5: '0 ≤ reserved ≤ on hand; reserved = live holds; on hand + committed = stocked; restocked ≤ sold',
  A6: 'captured and not refunded ⇒ its stock is firm or committed',
  A7: 'history is contiguous, every edge is legal, epochs never fall',
  A8: 'every start and end has exactly one event, from the same transaction',
  A9: 'everything acknowledged to a client is in the database',
  A10: 'no coupon is redeemed above its limit',
  A11: 'every checkout that has not ended has a time at which a worker resumes it',
  A12: 'no payment token is stored once the payment is settled',
  B1: 'drained: nothing in flight, no operation with an unknown outcome, no cart locked by an ended checkout',
  B2: 'completed ⇔ captured = total, order paid, stock committed, coupon redeemed',
  B3: 'failed ⇒ net charged 0, no open authorization, stock, coupon and cart released, order absent or cancelled',
  B4: 'drained: every event is delivered, or parked with an alert',
  references: 'every row refers to an existing row',
} as const

export type Invariant = keyof typeof invariants

/** A query that finds violations of an invariant. */
export interface Check {
  readonly invariant: Invariant
  /** Returns one row per violation, with one text column `example`: a sentence for people. */
  readonly text: string
  /** `ledger`: compares with the sandbox gateway's ledger. `drained`: valid only once nothing is in flight. */
  readonly only?: 'ledger' | 'drained'
}

/** SQL: true of an operation on the checkout's own payment, false of one that ended an orphaned authorization. */
export function ofOwnPayment(operation: string): string {
  return `${operation}.purpose->>'reason' is distinct from 'orphan'`
}

/** SQL: true of an authorization that a successful void fences, so that its unknown outcome can never charge. */
export function fenced(operation: string): string {
  return `(${operation}.kind = 'authorize' and exists (select from holdfast.payment_operations fence
    where fence.checkout_id = ${operation}.checkout_id and fence.kind = 'void' and fence.status = 'succeeded'
      and ${ofOwnPayment('fence')}))`
}
