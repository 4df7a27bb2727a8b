/** What people must look at, because no machine decides it. */

/** Visits to a rollback that changed nothing before it is called for attention. */
export const triesBeforeAlert = 10

export const alertCodes = [
  /** A listener kept failing; its event is not told again by itself. */
  'delivery_parked',
  /** The gateway keeps refusing to void or to refund. */
  'rollback_stuck',
  /** What became of a capture, a refund or a void is unknown for too long. */
  'outcome_unknown',
  /** The gateway took or gave back another amount than asked or recorded. */
  'amount_differs',
  /** Money at the gateway that no checkout accounts for. */
  'money_unaccounted',
  /** A check of `health` is critical. */
  'health_critical',
] as const
export type AlertCode = (typeof alertCodes)[number]

export interface CheckoutAlert {
  code: AlertCode
  /** As it stands in the log, without a full stop: "rollback stuck: the gateway has not confirmed the void or refund". */
  message: string
  /** Null: it is about no single checkout. */
  lockId: string | null
  /** Particulars: which listener, how many tries. Never a secret, nothing of the buyer, and no text of others. */
  context: Readonly<Record<string, string | number>>
}
