/** All metrics, each with its meaning and what to do about it. The tables of docs/operating/metrics.md equal this list. */

export interface MetricDefinition {
  type: 'counter' | 'gauge' | 'histogram'
  /** Begins with `holdfast_` and ends with the unit. */
  name: string
  help: string
  labels: readonly string[]
  /** Upper bounds, in the metric's unit. */
  buckets?: readonly number[]
  /** What an operator concludes or does. */
  advice: string
}

const fast = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counted by each process from its start. */
export const ownMetrics = {
  started: {
    type: 'counter',
    name: 'holdfast_checkouts_started_total',
    help: 'Started checkouts',
    labels: [],
    advice: 'If it falls to zero in business hours, check that buyers can reach the shop.',
  },
  completed: {
    type: 'counter',
    name: 'holdfast_checkouts_completed_total',
    help: 'Checkouts that ended with a paid order, by currency of the payment',
    labels: ['currency'],
    advice: 'The best single sign that the shop sells. Compare with failed checkouts.',
  },
  failed: {
    type: 'counter',
    name: 'holdfast_checkouts_failed_total',
    help: 'Failed and rolled back checkouts, by phase and code; none if the checkout had no currency or phase yet',
    labels: ['currency', 'phase', 'code'],
    advice: 'Expired, cancelled, declined and out of stock are normal. For other codes run `holdfast diagnose`.',
  },
  drifts: {
    type: 'counter',
    name: 'holdfast_price_drifts_total',
    help: 'Orders whose prices changed by more than the tolerance after they were frozen',
    labels: [],
    advice: 'If there are many, an import probably changes prices while buyers check out.',
  },
  checkoutSeconds: {
    type: 'histogram',
    name: 'holdfast_checkout_duration_seconds',
    help: 'Time from the start of a checkout to its paid order, including the time of the buyer',
    labels: [],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600],
    advice: 'Shows the behaviour of buyers. For the speed of the system, see the phases.',
  },
  phaseSeconds: {
    type: 'histogram',
    name: 'holdfast_phase_duration_seconds',
    help: 'Duration of a phase, including the wait in its lane and the commit; payment phases end with the gateway’s answer',
    labels: ['phase'],
    buckets: [...fast, 30],
    advice:
      'If payment phases are slow, see the gateway’s latency. If others are slow, see the lanes, then the database.',
  },
  gatewaySeconds: {
    type: 'histogram',
    name: 'holdfast_gateway_request_duration_seconds',
    help: 'Duration of calls to the payment gateway, by operation and outcome; unknown if no answer came in time',
    labels: ['gateway', 'kind', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    advice: 'If outcomes are `unknown` or `not_executed`, the gateway is down or slow.',
  },
  laneSize: {
    type: 'histogram',
    name: 'holdfast_lane_batch_size',
    help: 'Number of checkouts that a lane processed in one transaction',
    labels: ['lane'],
    buckets: [1, 2, 4, 8, 16, 32, 64, 96, 128],
    advice: 'Large batches mean high load, which is not a problem in itself.',
  },
  laneSeconds: {
    type: 'histogram',
    name: 'holdfast_lane_duration_seconds',
    help: 'Duration of one batch of a lane',
    labels: ['lane'],
    buckets: fast,
    advice: 'If batches are slow, the database is slow or waits for locks.',
  },
  laneQueue: {
    type: 'gauge',
    name: 'holdfast_lane_queue_length',
    help: 'Checkouts that wait or run in a lane',
    labels: ['lane'],
    advice: 'If it keeps growing, the database is too slow. Buyers get 503 at 10,000.',
  },
  deliveries: {
    type: 'counter',
    name: 'holdfast_deliveries_total',
    help: 'Attempts to deliver an event, by listener and outcome: delivered, failed or stopped (both are retried), parked',
    labels: ['listener', 'outcome'],
    advice: 'If deliveries fail, `holdfast deliveries` shows the reason.',
  },
} as const satisfies Record<string, MetricDefinition>

/** Read from the database on request. Every process reports the same values, so take the maximum. */
export const databaseMetrics = {
  up: {
    type: 'gauge',
    name: 'holdfast_database_up',
    help: '1 if the database answers within two seconds, else 0; if it is 0, the metrics below are absent',
    labels: [],
    advice: 'If it is 0, restore the database. Processes reconnect automatically.',
  },
  active: {
    type: 'gauge',
    name: 'holdfast_active_locks',
    help: 'Checkouts that have not ended, by state; counted up to 20,000',
    labels: ['state'],
    advice:
      'If many are authorizing or capturing, the gateway is slow. If many are rolling_back, the gateway does not confirm voids.',
  },
  expired: {
    type: 'gauge',
    name: 'holdfast_expired_locks',
    help: 'Expired locks that have not been cleaned up yet',
    labels: [],
    advice: 'A few are normal. If there are many, no worker is running, and they hold stock.',
  },
  stuck: {
    type: 'gauge',
    name: 'holdfast_stuck_checkouts',
    help: 'Checkouts that have been processing for more than 30 minutes',
    labels: [],
    advice: 'Run `holdfast diagnose`, which lists them with a command for each.',
  },
  rollbacks: {
    type: 'gauge',
    name: 'holdfast_rollbacks_in_trouble',
    help: 'Rollbacks with ten or more attempts',
    labels: [],
    advice: 'The gateway does not confirm the void or refund. Check its dashboard.',
  },
  captures: {
    type: 'gauge',
    name: 'holdfast_captures_in_trouble',
    help: 'Captures with an unknown outcome for longer than CHECKOUT_PAYMENT_CAPTURE_TIMEOUT',
    labels: [],
    advice: 'It is unknown whether the buyer was charged. Check the gateway’s dashboard.',
  },
  unanswered: {
    type: 'gauge',
    name: 'holdfast_gateway_unanswered_operations',
    help: 'Payment operations without an answer of the gateway for more than five minutes',
    labels: [],
    advice: 'They are retried automatically once the gateway is back.',
  },
  held: {
    type: 'gauge',
    name: 'holdfast_stock_held_units',
    help: 'Units reserved by active checkouts: held, or firm from the capture on; counted with the locks',
    labels: ['state'],
    advice: 'If it is high while little is sold, locks live too long, or expired locks are not cleaned up.',
  },
  due: {
    type: 'gauge',
    name: 'holdfast_deliveries_due',
    help: 'Deliveries that are neither delivered nor parked, by listener; counted up to 10,000 each',
    labels: ['listener'],
    advice: 'If it grows, a listener fails or is too slow, or no worker is running.',
  },
  lag: {
    type: 'gauge',
    name: 'holdfast_delivery_lag_seconds',
    help: 'Time that the next delivery has been overdue, by listener',
    labels: ['listener'],
    advice: 'If it is more than a few seconds, no worker is running, or a listener is too slow.',
  },
  parked: {
    type: 'gauge',
    name: 'holdfast_deliveries_parked',
    help: 'Parked deliveries, by listener; counted up to 1,000',
    labels: ['listener'],
    advice: 'Fix the listener, then run `holdfast deliveries retry`.',
  },
  failedWebhooks: {
    type: 'gauge',
    name: 'holdfast_webhooks_unheeded',
    help: 'Webhooks about known checkouts that could not be processed for three days',
    labels: [],
    advice: '`holdfast webhooks` shows the reason. Then run `holdfast webhooks retry --all-given-up --ours`.',
  },
  differences: {
    type: 'gauge',
    name: 'holdfast_reconciliation_differences',
    help: 'Differences from the gateway’s records in the last reconciliation; critical means unaccounted money',
    labels: ['critical'],
    advice: 'Run `holdfast reconcile`, which lists each with what to do.',
  },
  reconciled: {
    type: 'gauge',
    name: 'holdfast_reconciliation_age_seconds',
    help: 'Time since the last completed reconciliation with the gateway',
    labels: [],
    advice: 'If it exceeds a few intervals, check that a worker is running and that the gateway answers.',
  },
} as const satisfies Record<string, MetricDefinition>

export const metricDefinitions: readonly MetricDefinition[] = [
  ...Object.values(ownMetrics),
  ...Object.values(databaseMetrics),
]
