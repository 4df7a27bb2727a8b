/** How alerts reach people by configuration alone: by every way that they are told of events. */
import type { CheckoutAlert } from '../domain/alert.ts'
import type { CheckoutEngine } from '../engine/checkout-engine.ts'
import { type AlertChannel, createAlerts } from '../notify/alerts/alerts.ts'
import { watchHealth } from '../notify/alerts/health-watch.ts'
import type { CheckoutLog } from '../observe/log/log.ts'

interface OpenAlerts {
  raise(alert: CheckoutAlert): void
  /** Has an eye on the health of `engine`, where there is anybody to tell. */
  watch(engine: Pick<CheckoutEngine, 'health'>): void
  close(): Promise<void>
}

/** @param ways each by its name; null: it is not set up. */
export function openAlerts(ways: Readonly<Record<string, AlertChannel['send'] | null>>, log: CheckoutLog): OpenAlerts {
  const channels = Object.entries(ways).flatMap(([name, send]) => (send === null ? [] : [{ name, send }]))
  const { raise, close } = createAlerts({
    channels,
    onLost: (channel, count, err) => log.warn('[Alert] nobody could be told', { channel, count, err }),
  })
  let stopWatching = (): void => {}
  return {
    raise,
    watch(engine) {
      if (channels.length > 0) stopWatching = watchHealth({ health: () => engine.health(), raise }).stop
    },
    close() {
      stopWatching()
      return close()
    },
  }
}
