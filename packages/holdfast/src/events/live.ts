/**
 * Live changes of checkouts: subscribers in this process receive them at once, those of other processes a moment later.
 * Delivery is best effort. A subscriber that must not miss a change reads the database.
 */
import type { Database } from '../database/database.ts'
import { createLiveNotifications, type LiveChange } from './live-notifications.ts'

export interface WaitOptions {
  /** Maximum wait in milliseconds. */
  timeoutMs: number
  /** Selects the change to wait for. Default: any change of the checkout. */
  until?(change: LiveChange): boolean
}

export interface Live {
  /** Publishes changes. Call it after commit. It never throws, and returns before any subscriber is called. */
  announce(changes: readonly LiveChange[]): void
  /** Calls `receive` with every change from now on. Errors of `receive` are ignored. Returns a function that unsubscribes. */
  subscribe(receive: (change: LiveChange) => void): () => void
  /**
   * Resolves with the next change of a checkout, or with null after the timeout. Call it before reading the database, so
   * that no change is missed in between.
   */
  waitFor(checkoutId: string, options: WaitOptions): Promise<LiveChange | null>
  /** Resolves once changes of other processes are received (at once on the embedded database). */
  readonly ready: Promise<void>
  /** The number of subscribers and current waits. */
  readonly size: number
  /** Sends what is left, resolves every wait with null, and stops listening. Idempotent. */
  close(): Promise<void>
}

export function createLive(database: Database): Live {
  const subscribers = new Set<{ receive(change: LiveChange): unknown }>()
  const waiting = new Map<string, Set<(change: LiveChange | null) => void>>()
  let waits = 0
  let arrived: LiveChange[] = []
  let isClosed = false
  let ended: Promise<void> | null = null
  const others = database.kind === 'postgres' ? createLiveNotifications(database, publish) : null
  const ready = others?.ready ?? Promise.resolve()

  /** Errors of one subscriber must not affect the others. */
  function call(receive: (change: LiveChange) => unknown, change: LiveChange): void {
    try {
      const answer = receive(change)
      if (answer instanceof Promise) answer.catch(() => {})
    } catch {}
  }

  function publish(changes: readonly LiveChange[]): void {
    for (const change of changes) {
      for (const { receive } of [...subscribers]) call(receive, change)
      for (const settle of [...(waiting.get(change.checkoutId) ?? [])]) call(settle, change)
    }
  }

  function publishArrived(): void {
    const changes = arrived
    arrived = []
    publish(changes)
  }

  async function end(): Promise<void> {
    isClosed = true
    for (const settles of [...waiting.values()]) for (const settle of [...settles]) settle(null)
    subscribers.clear()
    await others?.close()
  }

  return {
    announce(changes) {
      if (isClosed || changes.length === 0) return
      if (subscribers.size > 0 || waits > 0) {
        if (arrived.length === 0) queueMicrotask(publishArrived)
        for (const change of changes) arrived.push(change)
      }
      others?.send(changes)
    },
    subscribe(receive) {
      const subscriber = { receive }
      if (!isClosed) subscribers.add(subscriber)
      return () => void subscribers.delete(subscriber)
    },
    waitFor(checkoutId, { timeoutMs, until }) {
      if (isClosed) return Promise.resolve(null)
      return new Promise(resolve => {
        const settles = waiting.get(checkoutId) ?? new Set()
        waiting.set(checkoutId, settles)
        function settle(change: LiveChange | null): void {
          if (change !== null && until !== undefined && !until(change)) return
          clearTimeout(timeout)
          if (!settles.delete(settle)) return
          waits -= 1
          if (settles.size === 0) waiting.delete(checkoutId)
          resolve(change)
        }
        const timeout = setTimeout(settle, timeoutMs, null)
        settles.add(settle)
        waits += 1
      })
    },
    ready,
    get size() {
      return subscribers.size + waits
    },
    close() {
      ended ??= end()
      return ended
    },
  }
}
