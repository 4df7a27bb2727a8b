/**
 * Runs code of the host application, such as its log or its tracer, from inside the engine. Errors of that code never
 * affect a checkout or a response: the process emits one warning, and the call returns null.
 */

export type HostGuard = <Result>(run: () => Result) => Result | null

/** @param warningOf gives the text of the warning, from the name of the first error. */
export function createHostGuard(warningOf: (errorName: string) => string): HostGuard {
  let hasWarned = false

  function warn(error: unknown): void {
    if (hasWarned) return
    hasWarned = true
    process.emitWarning(warningOf(error instanceof Error ? error.name : typeof error), 'HoldfastWarning')
  }

  return run => {
    try {
      const result = run()
      if (result instanceof Promise) result.catch(warn)
      return result
    } catch (error) {
      warn(error)
      return null
    }
  }
}
