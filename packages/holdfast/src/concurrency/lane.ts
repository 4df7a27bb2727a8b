/**
 * A lane: the queue before a set-based step, group commit for whatever goes through it.
 *
 * If nothing runs, an item starts at once with what is there, so a lonely one waits for nothing; while a set runs,
 * arrivals gather and go together in the next. A set that fails is split until the member that spoils it stands alone
 * and fails alone. Order of arrival is order of service.
 */

export interface Lane<Item, Result> {
  /**
   * Queues one item and gives its result.
   * @throws {LaneFull} when `queueMax` items wait already; whatever `run` throws for this item alone.
   */
  submit(item: Item): Promise<Result>
  /** Settles when nothing waits or runs. */
  drain(): Promise<void>
  /** How many wait or run now. */
  readonly size: number
}

/** The queue is full: come back later. */
export class LaneFull extends Error {
  override readonly name = 'LaneFull'
  readonly lane: string
  constructor(lane: string) {
    super(`The queue "${lane}" is full; try again in a moment.`)
    this.lane = lane
  }
}

export interface LaneOptions<Item, Result> {
  name: string
  /** Does the work for a set, all or nothing, and gives one result an item, in the items' order. */
  run(items: readonly Item[]): Promise<readonly Result[]>
  /** Largest set. */
  batchMax: number
  /** Most items that may wait. */
  queueMax: number
  /** Sets that may run at once; default 1. */
  parallel?: number
  /** True for failures that concern the whole set (database gone): then splitting is pointless. */
  isShared?(error: unknown): boolean
  /** Told each set that ran: its size and duration. */
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

  async function settle(set: readonly Waiting<Item, Result>[]): Promise<void> {
    const startedAt = performance.now()
    let results: readonly Result[]
    try {
      results = await run(set.map(waiting => waiting.item))
    } catch (error) {
      if (set.length === 1 || (options.isShared?.(error) ?? false)) {
        for (const waiting of set) waiting.reject(error)
        return
      }
      const middle = Math.ceil(set.length / 2)
      await settle(set.slice(0, middle))
      await settle(set.slice(middle))
      return
    }
    // The work is done: from here on nothing may run it again.
    const isWhole = results.length === set.length
    for (const [index, waiting] of set.entries()) {
      if (isWhole) waiting.resolve(results[index] as Result)
      else waiting.reject(new Error(`lane ${name}: ${results.length} results for ${set.length} items`))
    }
    options.observe?.(set.length, performance.now() - startedAt)
  }

  function next(): void {
    while (running < parallel && queue.length > 0) {
      const set = queue.splice(0, batchMax)
      running += 1
      inFlight += set.length
      void settle(set).finally(() => {
        running -= 1
        inFlight -= set.length
        next()
        if (running === 0 && queue.length === 0) for (const done of idle.splice(0)) done()
      })
    }
  }

  return {
    submit(item) {
      if (queue.length >= queueMax) return Promise.reject(new LaneFull(name))
      const result = new Promise<Result>((resolve, reject) => queue.push({ item, resolve, reject }))
      // What arrives in the same turn of the event loop goes in the same set.
      if (running < parallel) queueMicrotask(next)
      return result
    },
    drain: () => (running === 0 && queue.length === 0 ? Promise.resolve() : new Promise(resolve => idle.push(resolve))),
    get size() {
      return queue.length + inFlight
    },
  }
}
