/**
 * Readings that many ask for: one at a time, shared by all who ask meanwhile, and given out again while they are fresh.
 * As long as somebody keeps asking, the next one begins before the last is old, so that nobody waits for the database.
 * Its invariant: nobody gets a reading that began longer before the question than was allowed.
 */

export interface FreshOptions {
  /** How old what is given may be, milliseconds; default 1,000. 0: read after the question. */
  maxAgeMs?: number
}

/** Time as it is needed here: milliseconds that only grow, and something to happen later. */
export interface FreshClock {
  now(): number
  after(ms: number, run: () => void): void
}

export interface FreshSettings {
  /** Whether the next reading may begin before somebody asks for it. Default: always. */
  mayGoAhead?: () => boolean
  clock?: FreshClock
}

const maxAgeDefaultMs = 1_000
/** From one reading to the next while somebody keeps asking. */
const everyMs = 500
/** Whoever has asked within so many milliseconds is taken to keep asking. */
const recentMs = 3_000

const systemClock: FreshClock = {
  now: () => performance.now(),
  after: (ms, run) => void setTimeout(run, ms).unref(),
}

/** @param read must end in bounded time, and never fail. */
export function keepFresh<Report>(
  read: () => Promise<Report>,
  { mayGoAhead = () => true, clock = systemClock }: FreshSettings = {},
): (options?: FreshOptions) => Promise<Report> {
  let last: { report: Report; beganAt: number } | null = null
  let reading: Promise<void> | null = null
  let isPlanned = false
  let askedAt = 0

  function begin(): Promise<void> {
    const beganAt = clock.now()
    reading ??= read().then(report => {
      last = { report, beganAt }
      reading = null
      planAfter(beganAt)
    })
    return reading
  }

  function planAfter(beganAt: number): void {
    if (isPlanned || !mayGoAhead()) return
    isPlanned = true
    clock.after(Math.max(0, beganAt + everyMs - clock.now()), () => {
      isPlanned = false
      if (clock.now() - askedAt <= recentMs && mayGoAhead()) void begin()
    })
  }

  return async ({ maxAgeMs = maxAgeDefaultMs } = {}) => {
    askedAt = clock.now()
    const oldest = askedAt - maxAgeMs
    // One that began too early may be under way: then the next one counts.
    while (last === null || last.beganAt < oldest) await begin()
    return last.report
  }
}
