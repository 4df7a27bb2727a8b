/** A log that never throws: if the given log fails, a line is lost and no response changes. */
import { createHostGuard } from '../observe/host-guard.ts'
import type { HttpLog } from './context.ts'

export function safeLog(log: HttpLog): HttpLog {
  const guard = createHostGuard(name => `the log passed to the HTTP handler throws (${name}); some lines are missing`)
  return (level, message, details) => {
    guard(() => log(level, message, details))
  }
}
