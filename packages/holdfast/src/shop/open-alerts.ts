/** Sends alerts over every configured channel. */
import type { CheckoutAlert } from '../domain/alert.ts'
import type { CheckoutEngine } from '../engine/checkout-engine.ts'
import { type AlertChannel, createAlerts } from '../notify/alerts/alerts.ts'
import { watchHealth } from '../notify/alerts/health-watch.ts'
import type { CheckoutLog } from '../observe/log/log.ts'

interface OpenAlerts {
  raise(alert: CheckoutAlert): void
  /** Also sends alerts about critical health checks of `engine`. Without a channel it checks nothing. */
  watch(engine: Pick<CheckoutEngine, 'health'>): void
  close(): Promise<void>
}

/** @param senders by channel name; null: the channel is not configured. */
export function openAlerts(
  senders: Readonly<Record<string, AlertChannel['send'] | null>>,
  log: CheckoutLog,
): OpenAlerts {
  const channels = Object.entries(senders).flatMap(([name, send]) => (send === null ? [] : [{ name, send }]))
  const alerts = createAlerts({
    channels,
    onLost: (channel, count, err) => log.warn('[Alert] sending failed', { channel, count, err }),
  })
  let stopWatching = (): void => {}
  return {
    raise: alerts.raise,
    watch(engine) {
      if (channels.length === 0) return
      stopWatching = watchHealth({ health: () => engine.health(), raise: alerts.raise }).stop
    },
    close() {
      stopWatching()
      return alerts.close()
    },
  }
}
