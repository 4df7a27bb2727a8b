/** A log that never throws: if the given log fails, a line is lost and no response changes. */
import type { HttpLog } from './context.ts'

export function safeLog(log: HttpLog): HttpLog {
  let hasWarned = false

  function warnOnce(error: unknown): void {
    if (hasWarned) return
    hasWarned = true
    const name = error instanceof Error ? error.name : typeof error
    process.emitWarning(
      `The log given to the HTTP handler throws (${name}); lines are missing from it.`,
      'HoldfastWarning',
    )
  }

  return (level, message, details) => {
    try {
      const written: unknown = log(level, message, details)
      if (written instanceof Promise) written.catch(warnOnce)
    } catch (error) {
      warnOnce(error)
    }
  }
}
