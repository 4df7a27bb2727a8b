/** The English texts of Slack messages. Another language is another constant of the type `SlackCopy`. */

export const en = {
  failed: (count: number) => (count === 1 ? 'Checkout failed' : `${count} checkouts failed`),
  expired: (count: number) => (count === 1 ? 'Checkout expired' : `${count} checkouts expired`),
  disputed: (count: number) => (count === 1 ? 'Payment disputed' : `${count} payments disputed`),
  alerts: (count: number) => (count === 1 ? 'Action needed' : `${count} alerts need action`),
  /** The notification about disputes. */
  disputedOrders: (title: string, orders: readonly string[]) => `${title}: order ${orders.join(', ')}`,
  period: (from: string, to: string) => `${from} to ${to}`,
  /** "`payment_declined` in payment authorization" */
  kind: (code: string, phase: string | null) => (phase === null ? code : `${code} in ${phase}`),
  otherKinds: 'others',
  more: (count: number) => `and ${count} more`,
  diagnose: (lockId: string) => `To see each step, run \`holdfast diagnose --lock ${lockId}\``,
  lockLabel: (lock: string) => `lock ${lock}`,
  phase: 'Phase',
  code: 'Code',
  amount: 'Amount',
  time: 'Time',
  lock: 'Lock',
  order: 'Order',
  status: 'Status',
  reason: 'Reason',
  dispute: 'Dispute',
}

export type SlackCopy = typeof en
