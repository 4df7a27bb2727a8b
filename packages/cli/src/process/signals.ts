/** The end of a process that stays: asked for by SIGTERM or SIGINT, and certain within seconds. */
import { settlesWithin } from 'holdfast/operations'

/** Everything together has this long to end; what is left then is carried on by whoever looks next. */
const deadlineMs = 10_000

/** Resolves when the process is asked to end. Asked a second time, it ends at once. */
export function endRequested(): Promise<void> {
  return new Promise(resolve => {
    let asked = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1)
        asked = true
        resolve()
      })
    }
  })
}

/** Waits for `closed`, but not longer than the deadline. False if it was cut short. */
export const closesInTime = (closed: Promise<void>): Promise<boolean> => settlesWithin(closed, deadlineMs)
