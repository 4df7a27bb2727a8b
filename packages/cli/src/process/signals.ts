/** Shutdown of a long-running process: SIGTERM or SIGINT starts it, and a deadline bounds it. */
import { settlesWithin } from 'holdfast/operations'

/** Time for a clean shutdown. After that another process takes over the unfinished work. */
const deadlineMs = 10_000

/** Resolves at the first SIGTERM or SIGINT. The second one exits at once. */
export function endRequested(): Promise<void> {
  return new Promise(resolve => {
    let isStopping = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(1)
        isStopping = true
        resolve()
      })
    }
  })
}

/** Waits for `closed` until the deadline. False if the deadline passed first. */
export const closesInTime = (closed: Promise<void>): Promise<boolean> => settlesWithin(closed, deadlineMs)
