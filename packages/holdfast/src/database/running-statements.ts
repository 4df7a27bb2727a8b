/** Counts what is running, so that closing a database waits for all of it and lets nothing new in. */
import { DatabaseError } from './database.ts'

export interface RunningStatements {
  /** Runs `work`, or refuses with code `closed` once closing has begun. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Lets nothing new in; resolves when the last one running has ended. */
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
      if (closing) throw new DatabaseError('the database is closed', { code: 'closed' })
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
