/** Every metric there is: its name, what it says, and what to do about it. The manual's table is made of this list. */

export interface MetricDefinition {
  type: 'counter' | 'gauge' | 'histogram'
  /** Beginning with `holdfast_`, the unit last. */
  name: string
  help: string
  labels: readonly string[]
  /** Upper bounds, in the metric's unit. */
  buckets?: readonly number[]
  /** What an operator does about it. */
  advice: string
}

const fast = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counted by the process that did it, from its start. */
export const ownMetrics = {
  started: {
    type: 'counter',
    name: 'holdfast_checkouts_started_total',
    help: 'Checkouts that were started',
    labels: [],
    advice: 'A fall to zero in business hours: look whether buyers reach the shop.',
  },
  completed: {
    type: 'counter',
    name: 'holdfast_checkouts_completed_total',
    help: 'Checkouts that ended with a paid order, by the currency they were paid in',
    labels: ['currency'],
    advice: 'The heartbeat of the shop. Compare with failed.',
  },
  failed: {
    type: 'counter',
    name: 'holdfast_checkouts_failed_total',
    help: 'Checkouts that ended with everything undone, by phase and reason; none where it had no currency or phase yet',
    labels: ['currency', 'phase', 'code'],
    advice: 'Codes of buyers (expired, cancelled, declined, out of stock) are trade; others are trouble: `diagnose`.',
  },
  drifts: {
    type: 'counter',
    name: 'holdfast_price_drifts_total',
    help: 'Orders whose prices had moved beyond the tolerance since they were frozen',
    labels: [],
    advice: 'Many: an import changes prices while people buy.',
  },
  checkoutSeconds: {
    type: 'histogram',
    name: 'holdfast_checkout_duration_seconds',
    help: 'From the start of a checkout to its paid order, the time of the buyer included',
    labels: [],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600],
    advice: 'Says how people buy; for the machine look at the phases.',
  },
  phaseSeconds: {
    type: 'histogram',
    name: 'holdfast_phase_duration_seconds',
    help: 'How long a phase took, waiting in its lane and the commit included; those at the gateway end with its answer',
    labels: ['phase'],
    buckets: [...fast, 30],
    advice: 'Slow at the gateway: see its latency. Slow elsewhere: see lanes, then the database.',
  },
  gatewaySeconds: {
    type: 'histogram',
    name: 'holdfast_gateway_request_duration_seconds',
    help: 'Calls to the payment gateway, by what was asked and what it said; unknown where there was no answer in time',
    labels: ['gateway', 'kind', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    advice: 'Outcomes unknown and not_executed: the gateway is down or slow.',
  },
  laneSize: {
    type: 'histogram',
    name: 'holdfast_lane_batch_size',
    help: 'How many checkouts a lane took through its step in one transaction',
    labels: ['lane'],
    buckets: [1, 2, 4, 8, 16, 32, 64, 96, 128],
    advice: 'Large sets are crowds, and no trouble by themselves.',
  },
  laneSeconds: {
    type: 'histogram',
    name: 'holdfast_lane_duration_seconds',
    help: 'How long a lane took for one set',
    labels: ['lane'],
    buckets: fast,
    advice: 'Slow sets: the database is slow, or waits for locks.',
  },
  laneQueue: {
    type: 'gauge',
    name: 'holdfast_lane_queue_length',
    help: 'How many wait in a lane or are being worked on now',
    labels: ['lane'],
    advice: 'Grows without end: the database does not keep up. Buyers get 503 at 10,000.',
  },
  deliveries: {
    type: 'counter',
    name: 'holdfast_deliveries_total',
    help: 'Tries to deliver an event, by listener and outcome: delivered, failed or stopped (both are repeated), parked',
    labels: ['listener', 'outcome'],
    advice: 'Failures: `holdfast deliveries` says why.',
  },
} as const satisfies Record<string, MetricDefinition>

/** Read from the database when they are asked for: the same in every process on it, so take the maximum. */
export const databaseMetrics = {
  up: {
    type: 'gauge',
    name: 'holdfast_database_up',
    help: '1 where the database answers within two seconds, else 0; where it does not, none of the figures below is there',
    labels: [],
    advice: '0: bring the database back; processes reconnect by themselves.',
  },
  active: {
    type: 'gauge',
    name: 'holdfast_active_locks',
    help: 'Checkouts that are not at an end, by state; counted up to 20,000',
    labels: ['state'],
    advice: 'Many in authorizing or capturing: the gateway is slow. Many in rolling_back: it refuses to let go.',
  },
  expired: {
    type: 'gauge',
    name: 'holdfast_expired_locks',
    help: 'Locks whose time is over and that nobody has cleaned up yet',
    labels: [],
    advice: 'A few are on their way. Many: no worker runs; they hold stock.',
  },
  stuck: {
    type: 'gauge',
    name: 'holdfast_stuck_checkouts',
    help: 'Checkouts at work for more than 30 minutes',
    labels: [],
    advice: '`holdfast diagnose` names them and the command for each.',
  },
  rollbacks: {
    type: 'gauge',
    name: 'holdfast_rollbacks_in_trouble',
    help: 'Rollbacks that were tried ten times and more',
    labels: [],
    advice: 'The gateway refuses to void or refund: look there.',
  },
  captures: {
    type: 'gauge',
    name: 'holdfast_captures_in_trouble',
    help: 'Captures of unknown outcome for longer than CHECKOUT_PAYMENT_CAPTURE_TIMEOUT',
    labels: [],
    advice: 'Whether the money was taken is not known: look at the gateway.',
  },
  unanswered: {
    type: 'gauge',
    name: 'holdfast_gateway_unanswered_operations',
    help: 'Payment operations that the gateway has not answered for more than five minutes',
    labels: [],
    advice: 'They are asked about again by themselves once the gateway is back.',
  },
  held: {
    type: 'gauge',
    name: 'holdfast_stock_held_units',
    help: 'Units that checkouts on their way hold: held, or firm once the payment is being taken; counted with the locks',
    labels: ['state'],
    advice: 'High while little is sold: long times to live, or expired locks.',
  },
  due: {
    type: 'gauge',
    name: 'holdfast_deliveries_due',
    help: 'Deliveries that are neither made nor given up, by listener; counted up to 10,000 each',
    labels: ['listener'],
    advice: 'Grows: a listener fails or is too slow, or no worker runs.',
  },
  lag: {
    type: 'gauge',
    name: 'holdfast_delivery_lag_seconds',
    help: 'For how long the delivery whose turn it is has waited for somebody to make it, by listener',
    labels: ['listener'],
    advice: 'Over some seconds: no worker runs, or a listener is slower than its events.',
  },
  parked: {
    type: 'gauge',
    name: 'holdfast_deliveries_parked',
    help: 'Deliveries that were given up, by listener; counted up to 1,000',
    labels: ['listener'],
    advice: 'Mend the listener, then `holdfast deliveries retry`.',
  },
  unheeded: {
    type: 'gauge',
    name: 'holdfast_webhooks_unheeded',
    help: 'Webhooks about our checkouts that could not be heeded for three days',
    labels: [],
    advice: '`holdfast webhooks` says why; then `holdfast webhooks retry --all-given-up --ours`.',
  },
  differences: {
    type: 'gauge',
    name: 'holdfast_reconciliation_differences',
    help: 'Differences from the gateway’s books that the last comparison left, critical: money that is not accounted for',
    labels: ['critical'],
    advice: '`holdfast reconcile` names each and what to do.',
  },
  reconciled: {
    type: 'gauge',
    name: 'holdfast_reconciliation_age_seconds',
    help: 'Since the last comparison with the gateway’s books came to its end',
    labels: [],
    advice: 'Older than a few intervals: does a worker run, does the gateway answer?',
  },
} as const satisfies Record<string, MetricDefinition>

export const metricDefinitions: readonly MetricDefinition[] = [
  ...Object.values(ownMetrics),
  ...Object.values(databaseMetrics),
]
