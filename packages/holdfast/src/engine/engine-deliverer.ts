/** The deliverer of an engine, with its log lines and metrics. */
import type { Database } from '../database/database.ts'
import { createDeliverer, type Deliverer } from '../events/deliverer.ts'
import type { Listeners } from '../events/listeners.ts'
import type { CheckoutLog } from '../observe/log/log.ts'
import { redactText } from '../observe/log/redact.ts'
import type { MetricsWatch } from '../observe/metrics/port.ts'
import { readOrders } from '../shop/orders/orders.ts'

interface DelivererParts {
  database: Database
  listeners: Listeners
  log: Required<CheckoutLog>
  watch: MetricsWatch | undefined
  random: () => number
}

export function createEngineDeliverer({ database, listeners, log, watch, random }: DelivererParts): Deliverer {
  return createDeliverer({
    database,
    listeners,
    readOrders: ids => readOrders(database, ids),
    onParked({ checkoutId: lockId, ...delivery }) {
      const parked = { alert: 'delivery_parked', lockId, ...delivery }
      log.error('[Checkout] delivery parked: redeliver it once its listener works', parked)
    },
    onResult: (listener, outcome) => watch?.observeDelivery(listener, outcome),
    onFailed: ({ checkoutId: lockId, ...delivery }) =>
      log.warn('[Checkout] delivery failed; will retry', { lockId, ...delivery }),
    onError: error => log.error('[Checkout] delivering events failed; will retry', { err: error }),
    redact: redactText,
    random,
  })
}
