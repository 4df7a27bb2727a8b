/**
 * Live status of checkouts as server-sent events: a bounded number of streams shares one subscription to the engine.
 * Notices of the engine are best effort, so each stream also reads the status on every heartbeat.
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
   * Streams the status of a checkout now and on every change, until it is final or 15 minutes have passed.
   * @throws {HttpError} `unavailable` if too many streams are open.
   */
  stream(
    c: HttpContext,
    lockId: string,
    read: () => Promise<CheckoutStatus | null>,
    present: (status: CheckoutStatus) => unknown,
  ): Response
  /** Open streams. */
  readonly size: number
}

/** Wakes the streams of a checkout when it changes. Subscribes to the engine only while there are streams. */
function createWatchers(engine: Pick<ShopEngine, 'subscribe'>) {
  const watchers = new Map<string, Set<() => void>>()
  let unsubscribe: (() => void) | null = null

  return function watch(lockId: string, wake: () => void): () => void {
    unsubscribe ??= engine.subscribe(change => {
      for (const wakeStream of watchers.get(change.checkoutId) ?? []) wakeStream()
    })
    const wakes = watchers.get(lockId) ?? new Set()
    watchers.set(lockId, wakes.add(wake))
    return () => {
      wakes.delete(wake)
      if (wakes.size === 0) watchers.delete(lockId)
      if (watchers.size > 0) return
      unsubscribe?.()
      unsubscribe = null
    }
  }
}

/** A flag that can be awaited: `next` resolves at once if `set` was called since the last `clear`. */
function createSignal() {
  let isSet = true
  let wake = () => {}
  return {
    set() {
      isSet = true
      wake()
    },
    clear() {
      isSet = false
    },
    next: () =>
      isSet
        ? Promise.resolve()
        : new Promise<void>(resolve => {
            wake = resolve
          }),
  }
}

export function createLiveStatus(options: {
  engine: Pick<ShopEngine, 'subscribe'>
  streamsMax: number
  stopping?: AbortSignal | undefined
}): LiveStatus {
  const { engine, streamsMax, stopping } = options
  const watch = createWatchers(engine)
  /** One function per open stream, which ends it. */
  const stops = new Set<() => void>()

  stopping?.addEventListener('abort', () => {
    for (const stop of stops) stop()
  })

  return {
    get size() {
      return stops.size
    },
    stream(c, lockId, read, present) {
      // The body of a response to HEAD is never read, so a stream would stay open for its reader forever.
      if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })
      if (stops.size >= streamsMax) {
        throw new HttpError('unavailable', 'Too many live connections. Poll GET /checkout/status instead.')
      }
      let stop = () => {}
      const stopped = new Promise<void>(resolve => {
        stop = resolve
      })
      stops.add(stop)
      c.header('X-Accel-Buffering', 'no')
      return streamSSE(c, async stream => {
        const changed = createSignal()
        let hasStopped = false
        void stopped.then(() => {
          hasStopped = true
          changed.set()
        })
        /** A client that does not read delays only its own stream, at most until that stream ends. */
        const send = (written: Promise<unknown>) => Promise.race([written, stopped])
        const unwatch = watch(lockId, changed.set)
        const heartbeat = setInterval(changed.set, heartbeatMs)
        const deadline = setTimeout(stop, streamMaxMs)
        stream.onAbort(stop)
        let last = ''
        try {
          while (!hasStopped && stopping?.aborted !== true) {
            changed.clear()
            const status = await read()
            if (status === null) break
            const data = JSON.stringify(present(status))
            await send(data === last ? stream.write(': still here\n\n') : stream.writeSSE({ event: 'status', data }))
            last = data
            if (isFinal(status.lock.state)) break
            if (!hasStopped) await changed.next()
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
