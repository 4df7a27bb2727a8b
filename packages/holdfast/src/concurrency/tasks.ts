/** A set of running promises, so that stopping can wait for all of them. */

export interface Tasks {
  /** Returns `work`, and remembers it until it settles. */
  track<Result>(work: Promise<Result>): Promise<Result>
  /** Resolves when all work tracked so far has settled. Never rejects. */
  settled(): Promise<void>
  /** How many are running. */
  readonly size: number
}

export function createTasks(): Tasks {
  const running = new Set<Promise<unknown>>()
  return {
    track(work) {
      const tracked = work.finally(() => running.delete(tracked))
      running.add(tracked)
      return tracked
    },
    async settled() {
      await Promise.allSettled(running)
    },
    get size() {
      return running.size
    },
  }
}
