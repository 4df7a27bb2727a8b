/** What the auditor checks: the invariants of `docs/guarantees.md` by name, each with the sentence that must be true. */

export const invariants = {
  A1: 'one order a checkout at most, one active checkout a cart at most',
  A2: 'captured once at most, captured ≤ authorized, refunded ≤ captured and ≤ sold, nothing captured after a void',
  A3: 'frozen total = authorized = order = captured, in amount and currency',
  A4: 'no effect at the gateway without an operation of ours; one key, one set of parameters, one effect',
  A5: '0 ≤ reserved ≤ on hand; reserved = live holds; on hand + sold = stocked; restocked ≤ sold',
  A6: 'what is captured and not refunded has its stock',
  A7: 'history is contiguous, its edges are legal, epochs never fall',
  A8: 'every start and every end has its event, once, from its own transaction',
  A9: 'what was acknowledged to a client is in the database',
  A10: 'a coupon is never redeemed over its limit',
  A11: 'whatever is not at an end has a time at which somebody looks at it again',
  A12: 'no payment token is kept once the payment is settled',
  B1: 'drained: nothing in flight, no operation of unknown outcome, no cart locked by a dead checkout',
  B2: 'completed ⇔ order paid, net captured = total, stock and coupon taken',
  B3: 'failed ⇒ net charged 0, no open authorization, stock, coupon and cart free, order absent or cancelled',
  B4: 'drained: every event is delivered, or parked with an alert',
  references: 'every row belongs to a row that exists',
} as const

export type Invariant = keyof typeof invariants

/** One query that looks for violations of an invariant. */
export interface Check {
  readonly invariant: Invariant
  /** Gives one row with one text column `example`, a sentence for people, for each violation. */
  readonly text: string
  /** `ledger`: compares with the sandbox gateway's own ledger. `drained`: true only once nothing is in flight. */
  readonly only?: 'ledger' | 'drained'
}

/** True of an operation on the checkout's own payment; the end of an orphan is recorded beside it. */
export function ofOwnPayment(operation: string): string {
  return `${operation}.purpose->>'reason' is distinct from 'orphan'`
}

/** True of an authorization whose outcome nobody needs to know any more: a void has succeeded, so it never charges. */
export function fenced(operation: string): string {
  return `(${operation}.kind = 'authorize' and exists (select from holdfast.payment_operations fence
    where fence.checkout_id = ${operation}.checkout_id and fence.kind = 'void' and fence.status = 'succeeded'
      and ${ofOwnPayment('fence')}))`
}
