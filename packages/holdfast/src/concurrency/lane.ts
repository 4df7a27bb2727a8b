/**
 * A lane: a queue that runs a step on batches of items (group commit). A lone item starts at once; items that arrive while
 * a batch runs form the next one. A batch that fails is split in halves, so only the item that causes the failure fails.
 * Items are served in the order of arrival.
 */

export interface Lane<Item, Result> {
  /**
   * Queues one item and returns its result.
   * @throws {LaneFull} if `queueMax` items wait already; the error that `run` throws for this item.
   */
  submit(item: Item): Promise<Result>
  /** Resolves when nothing waits or runs. */
  drain(): Promise<void>
  /** How many items wait or run. */
  readonly size: number
}

/** The queue is full. The call may succeed later. */
export class LaneFull extends Error {
  override readonly name = 'LaneFull'
  readonly lane: string
  constructor(lane: string) {
    super(`the queue "${lane}" is full`)
    this.lane = lane
  }
}

export interface LaneOptions<Item, Result> {
  name: string
  /** Does the work for a batch, all or nothing. Returns one result per item, in the order of the items. */
  run(items: readonly Item[]): Promise<readonly Result[]>
  /** Most items in a batch. */
  batchMax: number
  /** Most items that may wait. */
  queueMax: number
  /** Batches that may run at once. Default 1. */
  parallel?: number
  /** True for errors that concern the whole batch, such as a lost database: then the batch is not split. */
  isShared?(error: unknown): boolean
  /** Called after each batch with its size and duration. */
  observe?(size: number, durationMs: number): void
}

interface Waiting<Item, Result> {
  item: Item
  resolve(result: Result): void
  reject(error: unknown): void
}

export function createLane<Item, Result>(options: LaneOptions<Item, Result>): Lane<Item, Result> {
  const { name, run, batchMax, queueMax, parallel = 1 } = options
  const queue: Waiting<Item, Result>[] = []
  const idle: (() => void)[] = []
  let running = 0
  let inFlight = 0

  async function settle(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    const startedAt = performance.now()
    let results: readonly Result[]
    try {
      results = await run(batch.map(waiting => waiting.item))
    } catch (error) {
      if (batch.length === 1 || (options.isShared?.(error) ?? false)) {
        for (const waiting of batch) waiting.reject(error)
        return
      }
      const middle = Math.ceil(batch.length / 2)
      await settle(batch.slice(0, middle))
      await settle(batch.slice(middle))
      return
    }
    // The work is done and must not run again, so a wrong number of results is not split.
    const isComplete = results.length === batch.length
    for (const [index, waiting] of batch.entries()) {
      if (isComplete) waiting.resolve(results[index] as Result)
      else waiting.reject(new Error(`lane ${name}: ${results.length} results for ${batch.length} items`))
    }
    options.observe?.(batch.length, performance.now() - startedAt)
  }

  function next(): void {
    while (running < parallel && queue.length > 0) {
      const batch = queue.splice(0, batchMax)
      running += 1
      inFlight += batch.length
      void settle(batch).finally(() => {
        running -= 1
        inFlight -= batch.length
        next()
        if (running === 0 && queue.length === 0) for (const done of idle.splice(0)) done()
      })
    }
  }

  return {
    submit(item) {
      if (queue.length >= queueMax) return Promise.reject(new LaneFull(name))
      const result = new Promise<Result>((resolve, reject) => queue.push({ item, resolve, reject }))
      // Deferred, so that items of the same turn of the event loop share a batch.
      if (running < parallel) queueMicrotask(next)
      return result
    },
    drain: () => (running === 0 && queue.length === 0 ? Promise.resolve() : new Promise(resolve => idle.push(resolve))),
    get size() {
      return queue.length + inFlight
    },
  }
}
