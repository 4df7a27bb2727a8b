/** Alerts: conditions that an operator must decide about. */

/** Attempts of a rollback without progress before `rollback_stuck` is raised. */
export const triesBeforeAlert = 10

/** Every alert code. */
export const alertCodes = [
  /** A listener failed too often; its delivery is not retried automatically. */
  'delivery_parked',
  /** The gateway has not confirmed a void or a refund after many attempts. */
  'rollback_stuck',
  /** The outcome of a capture, refund, or void has been unknown for too long. */
  'outcome_unknown',
  /** The gateway captured or refunded a different amount than requested or recorded. */
  'amount_differs',
  /** No checkout accounts for money at the gateway. */
  'money_unaccounted',
  /** A health check is critical. */
  'health_critical',
] as const
/** What an alert is about. */
export type AlertCode = (typeof alertCodes)[number]

/** An alert, as `onAlert` receives it. */
export interface CheckoutAlert {
  code: AlertCode
  /** The text of the log line, without its prefix: "rollback stuck: the gateway has not confirmed the void or refund". */
  message: string
  /** The checkout that the alert is about. Null: no single checkout. */
  lockId: string | null
  /** Details such as listener and attempts. Contains no secret, no buyer data, and no text of third parties. */
  context: Readonly<Record<string, string | number>>
}
