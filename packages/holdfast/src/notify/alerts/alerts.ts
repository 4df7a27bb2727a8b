/**
 * Alerts to people: best effort, with a few tries, by every way there is. The same is told once an hour, crowds are told
 * together, and nothing here throws or becomes an alert itself. What is lost stands in the log still.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { CheckoutAlert } from '../../domain/alert.ts'
import { createGrouping } from '../batching.ts'

/** A way to reach people. */
export interface AlertChannel {
  /** "slack" */
  name: string
  /** Rejects where the message was not accepted. */
  send(alerts: readonly CheckoutAlert[], signal: AbortSignal): Promise<void>
}

export interface AlertsOptions {
  channels: readonly AlertChannel[]
  /** Told of alerts that a channel did not take in any try. */
  onLost(channel: string, count: number, error: unknown): void
  /** Between two messages, milliseconds. Default 60,000. */
  windowMs?: number
  /** How long the same alert is not told again, milliseconds. Default an hour. */
  quietMs?: number
  /** Between the tries. Default 1 s, 10 s and a minute. */
  pausesMs?: readonly number[]
}

export interface Alerts {
  tell(alert: CheckoutAlert): void
  /** Sends what has gathered, in one try; what is not accepted within 1.5 seconds is lost. */
  close(): Promise<void>
}

const groupMax = 1_000
/** Alerts that wait, and alerts remembered as told. */
const waitingMax = 10_000
const rememberedMax = 10_000
const closingMs = 1_500

/** The same trouble: of the same kind, at the same checkout; with the same listener, or in the same check. */
function keyOf({ code, lockId, context }: CheckoutAlert): string {
  return [code, lockId, context.listener ?? context.check].join(' ')
}

export function createAlerts(options: AlertsOptions): Alerts {
  const { channels, onLost, windowMs = 60_000, quietMs = 3_600_000, pausesMs = [1_000, 10_000, 60_000] } = options
  /** When each was told last, in that order. */
  const told = new Map<string, number>()
  /** Aborted: there is no time for another try; and, for none at all. */
  const closing = new AbortController()
  const ended = new AbortController()
  // Every alert that waits listens to it.
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

  const groupings = channels.map(channel =>
    createGrouping<CheckoutAlert>({
      windowMs,
      groupMax,
      send: alerts =>
        send(channel, alerts).catch(error => {
          onLost(channel.name, alerts.length, error)
          throw error
        }),
    }),
  )

  function isNews(alert: CheckoutAlert): boolean {
    const key = keyOf(alert)
    const now = performance.now()
    if (now - (told.get(key) ?? Number.NEGATIVE_INFINITY) < quietMs) return false
    told.delete(key)
    told.set(key, now)
    const [oldest] = told.keys()
    if (told.size > rememberedMax && oldest !== undefined) told.delete(oldest)
    return true
  }

  return {
    tell(alert) {
      if (channels.length === 0 || closing.signal.aborted || waiting >= waitingMax || !isNews(alert)) return
      waiting += 1
      const submitted = groupings.map(grouping => grouping.submit(alert, ended.signal))
      void Promise.allSettled(submitted).then(outcomes => {
        waiting -= 1
        // Nobody has heard of it: it is news still.
        if (outcomes.every(({ status }) => status === 'rejected')) told.delete(keyOf(alert))
      })
    },
    async close() {
      closing.abort()
      const timer = setTimeout(() => ended.abort(new Error('the process ends')), closingMs)
      await Promise.all(groupings.map(grouping => grouping.close()))
      clearTimeout(timer)
    },
  }
}
