/** Counts running statements: closing a database refuses new ones and waits for those under way. */
import { databaseClosed } from './driver-errors.ts'

export interface RunningStatements {
  /** Runs `work`. @throws {DatabaseError} `closed` after `drain` was called. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Refuses new statements; resolves when the last running one has ended. */
  drain(): Promise<void>
  readonly closing: boolean
}

export function createRunningStatements(): RunningStatements {
  let running = 0
  let closing = false
  let drained = () => {}
  const idle = new Promise<void>(resolve => {
    drained = resolve
  })
  return {
    get closing() {
      return closing
    },
    async run(work) {
      if (closing) throw databaseClosed()
      running += 1
      try {
        return await work()
      } finally {
        running -= 1
        if (closing && running === 0) drained()
      }
    },
    drain() {
      closing = true
      if (running === 0) drained()
      return idle
    },
  }
}
