/**
 * Batching of messages: a single item is sent at once, many items are sent together, one message per window. Each submit
 * settles with the message that contains its item, so durable deliveries stay at-least-once.
 */

export interface BatchingOptions<Item> {
  /** Interval between the starts of two messages, milliseconds. */
  windowMs: number
  /** Most items per message; more wait for the next one. */
  batchMax: number
  /** Sends one message about `items`, at least one. `signal` is aborted when no submit waits for it any more. */
  send(items: readonly Item[], signal: AbortSignal): Promise<void>
}

export interface Batching<Item> {
  /**
   * Resolves when the message with `item` is accepted. Rejects as `send` does, or with the signal's reason. If the signal
   * is aborted, a waiting item is dropped; an item that is being sent is only no longer waited for.
   */
  submit(item: Item, signal: AbortSignal): Promise<void>
  /**
   * Ends the window: waiting items are sent now, and later items wait only for the previous message. Resolves once no
   * message is under way. Call it before the listeners are stopped, so that they need not be aborted.
   */
  close(): Promise<void>
}

interface Waiting<Item> {
  item: Item
  /** Null: accepted. Only the first result counts. */
  settle(result: { error: unknown } | null): void
  /** Resolves when there is a result of any kind. */
  settled: Promise<void>
}

/**
 * The first item after a quiet time is sent at once and opens a window. Later items wait, and are sent together once the
 * window has ended and the previous message has been answered. That opens the next window.
 *
 * A listener that submits here needs matching limits. Its `timeoutMs` must exceed a window and two messages (the previous
 * one and its own); otherwise waiting items time out and are retried for nothing. Its `concurrency` should be large, up
 * to 1,000, because it limits the items that can wait for one message. The number of waiting items has no other bound.
 */
export function createBatching<Item>({ windowMs, batchMax, send }: BatchingOptions<Item>): Batching<Item> {
  const waitingItems = new Set<Waiting<Item>>()
  let working: Promise<void> | null = null
  let isClosed = false
  let endWindow = (): void => {}

  function window(): Promise<void> {
    if (isClosed) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, windowMs)
      endWindow = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Resolves when the message is answered or no submit waits for it, so that a hanging message delays no others. */
  async function sendBatch(batch: readonly Waiting<Item>[]): Promise<void> {
    const abandoned = new AbortController()
    const items = batch.map(waiting => waiting.item)
    const sent = (async () => send(items, abandoned.signal))().then(
      () => null,
      (error: unknown) => ({ error }),
    )
    const left = Promise.all(batch.map(waiting => waiting.settled)).then(() => 'left' as const)
    const result = await Promise.race([sent, left])
    if (result === 'left') abandoned.abort()
    else for (const waiting of batch) waiting.settle(result)
  }

  async function work(): Promise<void> {
    while (waitingItems.size > 0) {
      const batch = [...waitingItems].slice(0, batchMax)
      for (const waiting of batch) waitingItems.delete(waiting)
      const windowEnd = window()
      await sendBatch(batch)
      await windowEnd
    }
    working = null
  }

  return {
    submit(item, signal) {
      if (signal.aborted) return Promise.reject(signal.reason)
      return new Promise((resolve, reject) => {
        let end = (): void => {}
        const settled = new Promise<void>(done => {
          end = done
        })
        const waiting: Waiting<Item> = {
          item,
          settled,
          settle(result) {
            signal.removeEventListener('abort', leave)
            if (result === null) resolve()
            else reject(result.error)
            end()
          },
        }
        function leave(): void {
          waitingItems.delete(waiting)
          waiting.settle({ error: signal.reason })
        }
        signal.addEventListener('abort', leave)
        waitingItems.add(waiting)
        working ??= work()
      })
    },
    async close() {
      isClosed = true
      endWindow()
      await working
    },
  }
}
