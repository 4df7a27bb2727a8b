/** The loop of a background worker: one turn at a time, with a pause between turns, until it is stopped. */

export interface WorkerLoopOptions {
  /** Runs one turn. Returns the milliseconds until the next, or null for the usual pause. */
  turn(): Promise<number | null>
  /** Receives the error of a turn. The loop continues after the usual pause. */
  onError(error: unknown): void
  /** Runs `run` after `ms` milliseconds. Returns a function that cancels it. */
  after(ms: number, run: () => void): () => void
  /** Returns the usual pause, milliseconds. Called before each pause, so that pauses can be spread. */
  pauseMs(): number
}

export interface WorkerLoop {
  /** Runs the first turn after `firstMs`, default the usual pause. Idempotent. */
  start(firstMs?: number): void
  /** Starts no further turn. Resolves when the current turn has ended. */
  stop(): Promise<void>
}

/** Runs `run` after `ms` milliseconds with a timer that does not keep the process alive. Returns a function that cancels it. */
export function backgroundTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms).unref()
  return () => clearTimeout(timer)
}

export function createWorkerLoop({ turn, onError, after, pauseMs }: WorkerLoopOptions): WorkerLoop {
  let isStarted = false
  let isStopped = false
  let cancel = (): void => {}
  let current: Promise<void> = Promise.resolve()

  function schedule(ms: number): void {
    if (isStopped) return
    cancel = after(ms, () => {
      current = run()
    })
  }

  async function run(): Promise<void> {
    let nextMs: number | null = null
    try {
      nextMs = await turn()
    } catch (error) {
      onError(error)
    }
    schedule(nextMs ?? pauseMs())
  }

  return {
    start(firstMs) {
      if (isStarted) return
      isStarted = true
      schedule(firstMs ?? pauseMs())
    },
    async stop() {
      isStopped = true
      cancel()
      await current
    },
  }
}
