/**
 * Live status of checkouts: one subscription to the engine, shared by a bounded number of streams.
 * The engine's notices are best effort, so every heartbeat looks as well; each stream ends by itself.
 */
import { streamSSE } from 'hono/streaming'
import { isFinal } from '../domain/states.ts'
import type { CheckoutStatus } from '../engine/checkout-engine.ts'
import type { HttpContext, ShopEngine } from './context.ts'
import { HttpError } from './errors.ts'

const heartbeatMs = 15_000
const streamMaxMs = 15 * 60_000

export interface LiveStatus {
  /**
   * Streams the status of a checkout: now, on every change, until it is final.
   * @throws {HttpError} `unavailable` when too many streams are open.
   */
  stream(
    c: HttpContext,
    lockId: string,
    read: () => Promise<CheckoutStatus | null>,
    present: (status: CheckoutStatus) => unknown,
  ): Response
  /** How many streams are open. */
  readonly size: number
}

export function createLiveStatus(options: {
  engine: Pick<ShopEngine, 'subscribe'>
  streamsMax: number
  stopping?: AbortSignal | undefined
}): LiveStatus {
  const { engine, streamsMax, stopping } = options
  const watchers = new Map<string, Set<() => void>>()
  /** Ends each stream that is open. */
  const stops = new Set<() => void>()
  let unsubscribe: (() => void) | null = null

  stopping?.addEventListener('abort', () => {
    for (const stop of stops) stop()
  })

  function watch(lockId: string, wake: () => void): () => void {
    unsubscribe ??= engine.subscribe(change => {
      for (const wakeOne of watchers.get(change.checkoutId) ?? []) wakeOne()
    })
    const set = watchers.get(lockId) ?? new Set()
    watchers.set(lockId, set.add(wake))
    return () => {
      set.delete(wake)
      if (set.size === 0) watchers.delete(lockId)
      if (watchers.size > 0) return
      unsubscribe?.()
      unsubscribe = null
    }
  }

  return {
    get size() {
      return stops.size
    },
    stream(c, lockId, read, present) {
      // Of an answer to HEAD nobody reads the body, so a stream would wait for its reader for ever.
      if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })
      if (stops.size >= streamsMax)
        throw new HttpError('unavailable', 'Too many live connections; ask for the status instead.')
      let stop = () => {}
      const over = new Promise<void>(resolve => {
        stop = resolve
      })
      stops.add(stop)
      c.header('X-Accel-Buffering', 'no')
      return streamSSE(c, async stream => {
        let changed = true
        let ended = false
        let wake = () => {}
        const nudge = () => {
          changed = true
          wake()
        }
        void over.then(() => {
          ended = true
          wake()
        })
        /** A reader that reads nothing holds up no more than its own stream, and that only until it is over. */
        const tell = (written: Promise<unknown>) => Promise.race([written, over])
        const unwatch = watch(lockId, nudge)
        const heartbeat = setInterval(nudge, heartbeatMs)
        const deadline = setTimeout(stop, streamMaxMs)
        stream.onAbort(stop)
        let last = ''
        try {
          while (!ended && stopping?.aborted !== true) {
            changed = false
            const status = await read()
            if (status === null) break
            const data = JSON.stringify(present(status))
            await tell(data === last ? stream.write(': still here\n\n') : stream.writeSSE({ event: 'status', data }))
            last = data
            if (isFinal(status.lock.state)) break
            if (!changed && !ended) {
              await new Promise<void>(resolve => {
                wake = resolve
              })
            }
          }
        } finally {
          stops.delete(stop)
          clearInterval(heartbeat)
          clearTimeout(deadline)
          unwatch()
        }
      })
    },
  }
}
