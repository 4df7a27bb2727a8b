/**
 * Grouping: what happens alone is told at once, what happens in crowds is told together, one message a window. Whoever
 * submits an item learns what became of the very message that contains it, so durable deliveries stay at-least-once.
 */

export interface GroupingOptions<Item> {
  /** Between the beginnings of two messages, milliseconds. */
  windowMs: number
  /** Most items of one message; what is beyond waits for the next. */
  groupMax: number
  /** Sends one message about all `items` (never none). `signal`: nobody waits for it any more. */
  send(items: readonly Item[], signal: AbortSignal): Promise<void>
}

export interface Grouping<Item> {
  /**
   * Resolves when the message with `item` was accepted; rejects as `send` does, or with the signal's reason. An item
   * whose signal is aborted leaves the group if it still gathers; if it is being sent, only the waiting for it ends.
   */
  submit(item: Item, signal: AbortSignal): Promise<void>
  /**
   * Ends the window: what has gathered goes now, and what comes later waits for nothing but the message before it.
   * Resolves once nothing is under way. Call it before the listeners are stopped, and they need not be interrupted.
   */
  close(): Promise<void>
}

interface Waiting<Item> {
  item: Item
  /** Null: accepted. Only the first outcome counts. */
  settle(outcome: { error: unknown } | null): void
  /** Resolves when there is an outcome, whatever it is. */
  settled: Promise<void>
}

/**
 * The first item of a quiet time is sent at once and opens a window. What comes meanwhile gathers, and goes together
 * when the window is over and the message before was answered; that opens the next window.
 *
 * A listener that submits here needs two limits to match. Its `timeoutMs` must be longer than a window and two
 * messages (the one before, and its own), else what gathers is given up and tried again for nothing. Its `concurrency`
 * must be large, up to 1,000: as many deliveries as may run at once can gather, and the others queue for the next
 * window. As many items wait here as callers submit, no more: it is the callers that are bounded.
 */
export function createGrouping<Item>({ windowMs, groupMax, send }: GroupingOptions<Item>): Grouping<Item> {
  const gathered = new Set<Waiting<Item>>()
  let working: Promise<void> | null = null
  let closed = false
  let endWindow = (): void => {}

  function window(): Promise<void> {
    if (closed) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, windowMs)
      endWindow = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Ends when the message was answered, or when nobody waits for it any more: one that hangs holds up no others. */
  async function sendTogether(group: readonly Waiting<Item>[]): Promise<void> {
    const abandoned = new AbortController()
    const items = group.map(waiting => waiting.item)
    const sent = (async () => send(items, abandoned.signal))().then(
      () => null,
      (error: unknown) => ({ error }),
    )
    const left = Promise.all(group.map(waiting => waiting.settled)).then(() => 'left' as const)
    const outcome = await Promise.race([sent, left])
    if (outcome === 'left') abandoned.abort()
    else for (const waiting of group) waiting.settle(outcome)
  }

  async function work(): Promise<void> {
    while (gathered.size > 0) {
      const group = [...gathered].slice(0, groupMax)
      for (const waiting of group) gathered.delete(waiting)
      const over = window()
      await sendTogether(group)
      await over
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
          settle(outcome) {
            signal.removeEventListener('abort', leave)
            if (outcome === null) resolve()
            else reject(outcome.error)
            end()
          },
        }
        function leave(): void {
          gathered.delete(waiting)
          waiting.settle({ error: signal.reason })
        }
        signal.addEventListener('abort', leave)
        gathered.add(waiting)
        working ??= work()
      })
    },
    async close() {
      closed = true
      endWindow()
      await working
    },
  }
}
