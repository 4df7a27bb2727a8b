/**
 * Which errors of the servers are explained: that the database could not be reached is what was done to them, while it
 * was done and shortly after. The same error at any other time, and any other error at any time, nobody expects.
 */

export interface Outages {
  /** Runs something that takes the database away from a server, or a server from its database. */
  during<Result>(work: () => Promise<Result>): Promise<Result>
  explains(entry: Readonly<Record<string, unknown>>): boolean
  /** Of what was explained: calls for attention because the gateway fails to undo, which it does on purpose. */
  readonly alerts: number
}

/** The database was not there, or did not say what became of a commit. */
const ofConnections = new Set<unknown>(['connection_lost', 'pool_exhausted', 'commit_unknown'])
/** Longer than anybody waits for a connection. */
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
      return ofConnections.has(code) && (open > 0 || performance.now() - lastEnd < graceMs)
    },
  }
}
