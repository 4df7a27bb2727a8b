/**
 * The loop of the deliverer: a turn at least every interval, sooner after a nudge, and at once while batches are full.
 * One turn runs at a time.
 */

/** Between two turns while deliveries trickle in, so that a thousand commits do not cause a thousand turns. */
const gapMs = 10

/** The deliveries that a turn started. `isFull`: more are probably due. */
export interface Turn {
  started: readonly Promise<unknown>[]
  isFull: boolean
}

export interface DeliveryLoop {
  /** Idempotent. */
  start(intervalMs: number): void
  /** Starts no further turn, and resolves when the current turn has ended. Its deliveries may still run. */
  stop(): Promise<void>
  /** Requests a turn soon. Does nothing unless started. */
  nudge(): void
}

export function createDeliveryLoop(turn: () => Promise<Turn>, onError: (error: unknown) => void): DeliveryLoop {
  let intervalMs: number | null = null
  let timer: NodeJS.Timeout | null = null
  let timerAt = Number.POSITIVE_INFINITY
  let current: Promise<void> | null = null
  let isWantedAgain = false
  let endedAt = 0

  function schedule(delayMs: number): void {
    if (intervalMs === null) return
    const at = performance.now() + delayMs
    if (timer !== null && timerAt <= at) return
    if (timer !== null) clearTimeout(timer)
    timerAt = at
    timer = setTimeout(() => {
      timer = null
      if (current === null) current = run()
      else isWantedAgain = true
    }, delayMs)
  }

  const nudge = () => schedule(Math.max(0, endedAt + gapMs - performance.now()))

  async function run(): Promise<void> {
    try {
      const { started, isFull } = await turn()
      // A delivery that ends frees a place, and the next one of its checkout may be due.
      for (const delivery of started) delivery.then(isFull ? () => schedule(0) : nudge, onError)
    } catch (error) {
      onError(error)
    }
    current = null
    endedAt = performance.now()
    if (isWantedAgain) nudge()
    else schedule(intervalMs ?? 0)
    isWantedAgain = false
  }

  return {
    start(everyMs) {
      if (intervalMs !== null) return
      intervalMs = everyMs
      schedule(0)
    },
    async stop() {
      intervalMs = null
      if (timer !== null) clearTimeout(timer)
      timer = null
      await current
    },
    nudge,
  }
}
