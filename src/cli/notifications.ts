/**
 * Who hears of events by configuration alone: mail, Slack, and the sinks to other systems. Every process that runs
 * checkouts registers the same ones (a command that ends a checkout, too), for deliveries are written for who is known.
 */
import type { CheckoutAlert } from '../checkout/alert.ts'
import type { CheckoutConfig } from '../config.ts'
import { joinListeners, type ListenerMap } from '../events/listeners.ts'
import type { CheckoutLog } from '../observe/log.ts'
import { openSinks } from './sinks.ts'

export interface Notifications {
  listeners: ListenerMap
  /** Tells people what no machine decides. */
  onAlert(alert: CheckoutAlert): void
  /** Called once the engine has ended. */
  close(): Promise<void>
}

export async function openNotifications(config: CheckoutConfig, _log: CheckoutLog): Promise<Notifications> {
  const sinks = await openSinks(config)
  return { listeners: joinListeners(sinks.listeners), onAlert() {}, close: () => sinks.close() }
}
