/** The log as the handler uses it: where it throws or rejects, a line is missing, and no answer is another for it. */
import type { HttpLog } from './context.ts'

export function harmlessLog(log: HttpLog): HttpLog {
  let hasWarned = false

  function broken(error: unknown): void {
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
      const told: unknown = log(level, message, details)
      if (told instanceof Promise) told.catch(broken)
    } catch (error) {
      broken(error)
    }
  }
}
