/**
 * Live changes as database notifications: changes are collected for a moment, sent in as few notifications as possible,
 * and received from other processes. Losing one is allowed, so a failed send is not repeated.
 */
import { randomUUID } from 'node:crypto'
import type { Database } from '../database/database.ts'
import { groupBy } from '../domain/group-by.ts'
import type { RestingState } from '../domain/states.ts'

const channel = 'holdfast_changes'
/** Below the 7,900 bytes that a notification may have. */
const payloadLengthMax = 7_800
const debounceMs = 20
/** Checkouts whose change waits to be sent. Changes of further checkouts are not sent. */
const pendingMax = 20_000
const listenAgainMs = 2_000

/** A checkout reached a resting state. */
export interface LiveChange {
  checkoutId: string
  state: RestingState
}

export interface LiveNotifications {
  /** Sends changes to the other processes a moment later. */
  send(changes: readonly LiveChange[]): void
  /** Resolves once changes of other processes are received, or the first attempt to listen has failed. */
  readonly ready: Promise<void>
  /** Sends what is left and stops listening. */
  close(): Promise<void>
}

/** @param receive is called with the changes of other processes */
export function createLiveNotifications(
  database: Database,
  receive: (changes: readonly LiveChange[]) => void,
): LiveNotifications {
  const sender = randomUUID()
  let pending = new Map<string, RestingState>()
  let sendTimer: NodeJS.Timeout | null = null
  let sending: Promise<void> | null = null
  let listenTimer: NodeJS.Timeout | null = null
  let stopListening: (() => Promise<void>) | null = null
  let isClosed = false

  async function sendPending(): Promise<void> {
    const changes = pending
    pending = new Map()
    for (const payload of encodeChanges(sender, changes)) await database.notify(channel, payload)
  }

  /** One send at a time. While the database is slow, changes are collected, and only a checkout's last state is sent. */
  function sendSoon(): void {
    if (sendTimer !== null || sending !== null || pending.size === 0 || isClosed) return
    sendTimer = setTimeout(() => {
      sendTimer = null
      sending = sendPending()
        .catch(() => {})
        .finally(() => {
          sending = null
          sendSoon()
        })
    }, debounceMs)
  }

  async function listen(): Promise<void> {
    if (isClosed) return
    try {
      const stop = await database.listen(channel, payload => {
        if (!payload.startsWith(sender)) receive(decodeChanges(payload).changes)
      })
      stopListening = stop
      if (isClosed) await stop()
    } catch {
      if (isClosed) return
      listenTimer = setTimeout(() => void listen(), listenAgainMs)
      listenTimer.unref()
    }
  }

  const ready = listen()

  return {
    send(changes) {
      if (isClosed) return
      for (const { checkoutId, state } of changes) {
        if (pending.size < pendingMax || pending.has(checkoutId)) pending.set(checkoutId, state)
      }
      sendSoon()
    },
    ready,
    async close() {
      isClosed = true
      if (sendTimer !== null) clearTimeout(sendTimer)
      if (listenTimer !== null) clearTimeout(listenTimer)
      await ready
      await sending
      await sendPending().catch(() => {})
      await stopListening?.().catch(() => {})
    },
  }
}

/** Splits changes into notifications: `sender state:id,id state:id`, in the order of each state's first appearance. */
export function encodeChanges(sender: string, changes: ReadonlyMap<string, RestingState>): string[] {
  const payloads: string[] = []
  let payload = sender
  for (const [state, group] of groupBy(changes, ([, state]) => state)) {
    let isFirst = true
    for (const [id] of group) {
      if (payload.length + state.length + id.length + 2 > payloadLengthMax) {
        payloads.push(payload)
        payload = sender
        isFirst = true
      }
      payload += isFirst ? ` ${state}:${id}` : `,${id}`
      isFirst = false
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
