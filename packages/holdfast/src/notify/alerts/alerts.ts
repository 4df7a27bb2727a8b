/**
 * Sends alerts to people through every channel: best effort, with a few attempts. The same alert is sent once an hour,
 * and many alerts share a message. Nothing here throws or raises further alerts. Lost alerts are still in the log.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { CheckoutAlert } from '../../domain/alert.ts'
import { createBatching } from '../batching.ts'

/** A channel to people. */
export interface AlertChannel {
  /** Such as "slack". */
  name: string
  /** Rejects if the message is not accepted. */
  send(alerts: readonly CheckoutAlert[], signal: AbortSignal): Promise<void>
}

export interface AlertsOptions {
  channels: readonly AlertChannel[]
  /** Called when a channel accepted alerts in no attempt. */
  onLost(channel: string, count: number, error: unknown): void
  /** Interval between two messages, milliseconds. Default 60,000. */
  windowMs?: number
  /** How long the same alert is not repeated, milliseconds. Default one hour. */
  quietMs?: number
  /** Pauses between attempts, milliseconds. Default 1, 10 and 60 seconds. */
  pausesMs?: readonly number[]
}

export interface Alerts {
  raise(alert: CheckoutAlert): void
  /** Sends waiting alerts in one attempt. Alerts not accepted within 1.5 seconds are lost. */
  close(): Promise<void>
}

const batchMax = 1_000
/** Limits on waiting alerts, and on alerts remembered as raised. */
const waitingMax = 10_000
const rememberedMax = 10_000
const closingMs = 1_500

/** Equal for alerts about the same problem: same code, same checkout, and same listener or health check. */
function keyOf({ code, lockId, context }: CheckoutAlert): string {
  return [code, lockId, context.listener ?? context.check].join(' ')
}

export function createAlerts(options: AlertsOptions): Alerts {
  const { channels, onLost, windowMs = 60_000, quietMs = 3_600_000, pausesMs = [1_000, 10_000, 60_000] } = options
  /** When each alert was raised last, oldest first. */
  const raised = new Map<string, number>()
  /** Aborted: no further attempts. */
  const closing = new AbortController()
  /** Aborted: running attempts stop as well. */
  const ended = new AbortController()
  // Every waiting alert listens to this signal.
  setMaxListeners(0, ended.signal)
  let waiting = 0

  async function send(channel: AlertChannel, alerts: readonly CheckoutAlert[]): Promise<void> {
    for (const pauseMs of pausesMs) {
      try {
        return await channel.send(alerts, ended.signal)
      } catch (error) {
        if (closing.signal.aborted) throw error
        await pause(pauseMs, undefined, { signal: closing.signal }).catch(() => {})
      }
    }
    await channel.send(alerts, ended.signal)
  }

  const batchings = channels.map(channel =>
    createBatching<CheckoutAlert>({
      windowMs,
      batchMax,
      send: alerts =>
        send(channel, alerts).catch(error => {
          onLost(channel.name, alerts.length, error)
          throw error
        }),
    }),
  )

  function isNew(alert: CheckoutAlert): boolean {
    const key = keyOf(alert)
    const now = performance.now()
    if (now - (raised.get(key) ?? Number.NEGATIVE_INFINITY) < quietMs) return false
    raised.delete(key)
    raised.set(key, now)
    const [oldest] = raised.keys()
    if (raised.size > rememberedMax && oldest !== undefined) raised.delete(oldest)
    return true
  }

  return {
    raise(alert) {
      if (channels.length === 0 || closing.signal.aborted || waiting >= waitingMax || !isNew(alert)) return
      waiting += 1
      const submitted = batchings.map(batching => batching.submit(alert, ended.signal))
      void Promise.allSettled(submitted).then(outcomes => {
        waiting -= 1
        // No channel accepted it, so the next one counts as new.
        if (outcomes.every(({ status }) => status === 'rejected')) raised.delete(keyOf(alert))
      })
    },
    async close() {
      closing.abort()
      const timer = setTimeout(() => ended.abort(new Error('the process is shutting down')), closingMs)
      await Promise.all(batchings.map(batching => batching.close()))
      clearTimeout(timer)
    },
  }
}
