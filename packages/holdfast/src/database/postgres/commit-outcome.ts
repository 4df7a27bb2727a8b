/**
 * Resolves a COMMIT whose answer was lost by asking the server for the status of the transaction ID. The answer counts
 * only within the same run of the server: after a crash, an ID that was never written to disk may be assigned again.
 */
import type { PoolClient } from 'pg'
import { DatabaseError } from '../database.ts'
import { databaseErrorFrom } from '../driver-errors.ts'

/** Identifies a transaction after its connection was lost. */
export interface Trace {
  /** `pg_current_xact_id()` */
  readonly xid: string
  readonly processId: number | null
  /** When the server's statistics began: they restart after every crash, and differ on another server. */
  readonly serverRun: string
}

export interface Settling {
  acquire(): Promise<PoolClient>
  serverRunOf(client: PoolClient): string
  pause(ms: number): Promise<void>
}

/** How long to ask, in milliseconds; longer than a restart takes. */
const timeoutMs = 30_000
/** After this long without a result the abandoned session is terminated: its transaction then can no longer commit. */
const endAfterMs = 1_000

const statusText = 'select pg_xact_status($1::xid8) as status'
const endText =
  'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1::int and backend_xid::text = ($2::xid8)::xid::text'

function unknown(reason: string): DatabaseError {
  return new DatabaseError(`the connection was lost during COMMIT and the outcome is unknown: ${reason}`, {
    code: 'commit_unknown',
  })
}

/** Null: not known yet. */
async function readStatus(
  client: PoolClient,
  trace: Trace,
  serverRun: string,
  end: boolean,
): Promise<'committed' | 'aborted' | null> {
  const sameRun = serverRun === trace.serverRun
  let status: unknown
  try {
    const answer = await client.query({ name: 'holdfast_xact_status', text: statusText, values: [trace.xid] })
    status = (answer.rows as readonly { readonly status: unknown }[])[0]?.status
  } catch (error) {
    // "transaction ID … is in the future": this server never assigned it, so it was not committed here.
    if (databaseErrorFrom(error).code === '22023') return 'aborted'
    throw error
  }
  if (status === 'aborted') return 'aborted'
  if (status === 'committed') {
    if (sameRun) return 'committed'
    throw unknown('the server crashed or was replaced')
  }
  if (status !== 'in progress') throw unknown('the server no longer has the status of this transaction')
  // After a crash the session is gone: a transaction in progress with this ID is a different one.
  if (!sameRun) return 'aborted'
  if (end) await client.query({ text: endText, values: [trace.processId, trace.xid] })
  return null
}

/** @throws {DatabaseError} `commit_unknown` if the outcome cannot be determined. */
export async function outcomeOfCommit(trace: Trace, settling: Settling): Promise<'committed' | 'aborted'> {
  const startedMs = performance.now()
  for (let attempts = 0; ; attempts += 1) {
    const waitedMs = performance.now() - startedMs
    if (waitedMs > timeoutMs) throw unknown('the server does not answer')
    let client: PoolClient | null = null
    try {
      client = await settling.acquire()
      const status = await readStatus(client, trace, settling.serverRunOf(client), waitedMs > endAfterMs)
      client.release()
      if (status !== null) return status
    } catch (thrown) {
      client?.release(true)
      const error = databaseErrorFrom(thrown)
      if (error.code !== 'connection_lost' && error.code !== 'pool_exhausted')
        throw error.code === 'commit_unknown' ? error : unknown(error.message)
    }
    await settling.pause(Math.min(1_000, 10 * 2 ** attempts))
  }
}
