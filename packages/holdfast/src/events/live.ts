/**
 * Live changes: tells this process at once, and every other on the database a moment later, which checkouts moved.
 * Best effort: whoever must not miss anything reads the database, and takes these as a hint to look.
 */
import { randomUUID } from 'node:crypto'
import type { Database } from '../database/database.ts'
import type { RestingState } from '../domain/states.ts'

/** A checkout came to rest in another state. */
export interface LiveChange {
  checkoutId: string
  state: RestingState
}

export interface WaitOptions {
  /** Milliseconds to wait at most. */
  timeoutMs: number
  /** Which change to wait for; default any of that checkout. */
  until?(change: LiveChange): boolean
}

export interface Live {
  /** Call after commit. Never throws, and returns before anybody is told. */
  announce(changes: readonly LiveChange[]): void
  /** Tells `receive` every change from now on; gives the way to stop. What it throws is dropped. */
  subscribe(receive: (change: LiveChange) => void): () => void
  /**
   * Resolves with the next change of a checkout, or with null when the time is up. Call it first and read the
   * database then, so that nothing falls in between.
   */
  waitFor(checkoutId: string, options: WaitOptions): Promise<LiveChange | null>
  /** Settles when changes of other processes are heard (at once on the embedded database). */
  readonly ready: Promise<void>
  /** Subscribers and those who wait now. */
  readonly size: number
  /** Sends what is left, ends every wait with null and stops listening. Idempotent. */
  close(): Promise<void>
}

const channel = 'holdfast_changes'
/** Below the 7,900 bytes a notification may have. */
const payloadLengthMax = 7_800
const debounceMs = 20
/** Checkouts that wait to be told to other processes; beyond it, they are not told. */
const pendingMax = 20_000
const listenAgainMs = 2_000

/** Splits changes into notifications: `sender state:id,id state:id`, in the order of the states' first appearance. */
export function encodeChanges(sender: string, changes: ReadonlyMap<string, RestingState>): string[] {
  const byState = new Map<RestingState, string[]>()
  for (const [id, state] of changes) {
    const ids = byState.get(state)
    if (ids === undefined) byState.set(state, [id])
    else ids.push(id)
  }
  const payloads: string[] = []
  let payload = sender
  for (const [state, ids] of byState) {
    let fresh = true
    for (const id of ids) {
      if (payload.length + state.length + id.length + 2 > payloadLengthMax) {
        payloads.push(payload)
        payload = sender
        fresh = true
      }
      payload += fresh ? ` ${state}:${id}` : `,${id}`
      fresh = false
    }
  }
  if (payload !== sender) payloads.push(payload)
  return payloads
}

export function decodeChanges(payload: string): { sender: string; changes: LiveChange[] } {
  const [sender = '', ...groups] = payload.split(' ')
  const changes = groups.flatMap(group => {
    const [state = '', ids = ''] = group.split(':')
    return ids.split(',').map(checkoutId => ({ checkoutId, state: state as RestingState }))
  })
  return { sender, changes }
}

export function createLive(database: Database): Live {
  const me = randomUUID()
  const subscribers = new Set<{ receive(change: LiveChange): unknown }>()
  const waiting = new Map<string, Set<(change: LiveChange | null) => void>>()
  let waits = 0
  let arrived: LiveChange[] = []
  let pending = new Map<string, RestingState>()
  let timer: NodeJS.Timeout | null = null
  let sending: Promise<void> | null = null
  let closed = false
  let stopListening: (() => Promise<void>) | null = null
  let listenTimer: NodeJS.Timeout | null = null

  /** A subscriber's trouble is its own. */
  function call(receive: (change: LiveChange) => unknown, change: LiveChange): void {
    try {
      const answer = receive(change)
      if (answer instanceof Promise) answer.catch(() => {})
    } catch {}
  }

  function tell(changes: readonly LiveChange[]): void {
    for (const change of changes) {
      for (const { receive } of [...subscribers]) call(receive, change)
      for (const settle of [...(waiting.get(change.checkoutId) ?? [])]) call(settle, change)
    }
  }

  function tellArrived(): void {
    const changes = arrived
    arrived = []
    tell(changes)
  }

  async function send(): Promise<void> {
    const changes = pending
    pending = new Map()
    for (const payload of encodeChanges(me, changes)) await database.notify(channel, payload)
  }

  /** One at a time: while the database is slow, changes gather, and only the last of a checkout remains. */
  function sendSoon(): void {
    if (timer !== null || sending !== null || pending.size === 0 || closed) return
    timer = setTimeout(() => {
      timer = null
      sending = send()
        .catch(() => {})
        .finally(() => {
          sending = null
          sendSoon()
        })
    }, debounceMs)
  }

  function hear(payload: string): void {
    if (payload.startsWith(me)) return
    tell(decodeChanges(payload).changes)
  }

  async function listen(): Promise<void> {
    if (closed) return
    try {
      const stop = await database.listen(channel, hear)
      stopListening = stop
      if (closed) await stop()
    } catch {
      if (closed) return
      listenTimer = setTimeout(() => void listen(), listenAgainMs)
      listenTimer.unref()
    }
  }

  const shared = database.kind === 'postgres'
  const ready = shared ? listen() : Promise.resolve()
  let ended: Promise<void> | null = null

  async function end(): Promise<void> {
    closed = true
    if (timer !== null) clearTimeout(timer)
    if (listenTimer !== null) clearTimeout(listenTimer)
    for (const settles of [...waiting.values()]) for (const settle of [...settles]) settle(null)
    subscribers.clear()
    await ready
    await sending
    await send().catch(() => {})
    await stopListening?.().catch(() => {})
  }

  return {
    announce(changes) {
      if (closed || changes.length === 0) return
      if (subscribers.size > 0 || waits > 0) {
        if (arrived.length === 0) queueMicrotask(tellArrived)
        for (const change of changes) arrived.push(change)
      }
      if (!shared) return
      for (const { checkoutId, state } of changes) {
        if (pending.size < pendingMax || pending.has(checkoutId)) pending.set(checkoutId, state)
      }
      sendSoon()
    },
    subscribe(receive) {
      const subscriber = { receive }
      if (!closed) subscribers.add(subscriber)
      return () => void subscribers.delete(subscriber)
    },
    waitFor(checkoutId, { timeoutMs, until }) {
      if (closed) return Promise.resolve(null)
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
