/**
 * A reading that concurrent callers share. One runs at a time, and its report is reused while it is fresh. While callers
 * keep asking, the next reading starts before the last is stale, so that callers do not wait for the database.
 * Invariant: no caller gets a reading that started more than `maxAgeMs` before its call.
 */

export interface FreshOptions {
  /** Maximum age of the report, milliseconds; 0 forces a new reading. Default 1,000. */
  maxAgeMs?: number
}

/** A monotonic clock in milliseconds, and a timer. */
export interface FreshClock {
  now(): number
  after(ms: number, run: () => void): void
}

export interface FreshSettings {
  /** Whether the next reading may start before a caller asks. Default: always. */
  mayReadAhead?: () => boolean
  clock?: FreshClock
}

const maxAgeDefaultMs = 1_000
/** Interval between readings while callers keep asking. */
const everyMs = 500
/** Callers are expected to ask again for this long after a call. */
const recentMs = 3_000

const systemClock: FreshClock = {
  now: () => performance.now(),
  after: (ms, run) => void setTimeout(run, ms).unref(),
}

/** @param read must settle in bounded time, and never reject. */
export function keepFresh<Report>(
  read: () => Promise<Report>,
  { mayReadAhead = () => true, clock = systemClock }: FreshSettings = {},
): (options?: FreshOptions) => Promise<Report> {
  let last: { report: Report; startedAt: number } | null = null
  let reading: Promise<void> | null = null
  let isPlanned = false
  let askedAt = 0

  function startReading(): Promise<void> {
    const startedAt = clock.now()
    reading ??= read().then(report => {
      last = { report, startedAt }
      reading = null
      planAfter(startedAt)
    })
    return reading
  }

  function planAfter(startedAt: number): void {
    if (isPlanned || !mayReadAhead()) return
    isPlanned = true
    clock.after(Math.max(0, startedAt + everyMs - clock.now()), () => {
      isPlanned = false
      if (clock.now() - askedAt <= recentMs && mayReadAhead()) void startReading()
    })
  }

  return async ({ maxAgeMs = maxAgeDefaultMs } = {}) => {
    askedAt = clock.now()
    const oldest = askedAt - maxAgeMs
    // A running reading may have started too early. Then wait for the next one.
    while (last === null || last.startedAt < oldest) await startReading()
    return last.report
  }
}
