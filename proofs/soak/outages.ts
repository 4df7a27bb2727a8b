/**
 * Decides which server errors are explained: an unreachable database, during a disturbance of the database and shortly
 * after it. The same error at any other time, and every other error, is unexpected.
 */

export interface Outages {
  /** Runs a disturbance that separates servers from their database. */
  during<Result>(work: () => Promise<Result>): Promise<Result>
  explains(entry: Readonly<Record<string, unknown>>): boolean
  /** The number of explained alerts about stuck rollbacks, which the faults of the gateway cause on purpose. */
  readonly alerts: number
}

/** The database was unreachable, or the outcome of a commit is unknown. */
const connectionErrors = new Set<unknown>(['connection_lost', 'pool_exhausted', 'commit_unknown'])
/** Longer than any wait for a connection. */
const graceMs = 12_000

const alert = '[Checkout] rollback stuck'

export function createOutages(): Outages {
  let open = 0
  let alerts = 0
  let lastEnd = Number.NEGATIVE_INFINITY
  return {
    async during(work) {
      open += 1
      try {
        return await work()
      } finally {
        open -= 1
        lastEnd = performance.now()
      }
    },
    get alerts() {
      return alerts
    },
    explains({ msg, err, error }) {
      if (typeof msg === 'string' && msg.startsWith(alert)) {
        alerts += 1
        return true
      }
      const code = ((err ?? error) as { code?: unknown } | null | undefined)?.code
      return connectionErrors.has(code) && (open > 0 || performance.now() - lastEnd < graceMs)
    },
  }
}
