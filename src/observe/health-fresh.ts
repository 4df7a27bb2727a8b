/**
 * Readings that many ask for: one at a time, shared by all who ask meanwhile, and given out again while they are fresh.
 * Its invariant: nobody gets a reading that began longer before the question than was allowed.
 */

export interface FreshOptions {
  /** How old what is given may be, milliseconds; default 1,000. 0: read after the question. */
  maxAgeMs?: number
}

const maxAgeDefaultMs = 1_000

/** @param read must end in bounded time, and never fail. @param now milliseconds that only grow. */
export function keepFresh<Report>(
  read: () => Promise<Report>,
  now: () => number = () => performance.now(),
): (options?: FreshOptions) => Promise<Report> {
  let last: { report: Report; beganAt: number } | null = null
  let reading: Promise<void> | null = null

  function begin(): Promise<void> {
    const beganAt = now()
    reading ??= read()
      .then(report => {
        last = { report, beganAt }
      })
      .finally(() => {
        reading = null
      })
    return reading
  }

  return async ({ maxAgeMs = maxAgeDefaultMs } = {}) => {
    const oldest = now() - maxAgeMs
    // Read ahead: whoever asks again soon waits for nothing.
    if (last !== null && last.beganAt < oldest + maxAgeMs / 2) void begin()
    // One that began too early may be under way: then the next one counts.
    while (last === null || last.beganAt < oldest) await begin()
    return last.report
  }
}
