/**
 * Settles a COMMIT whose answer was lost: asks the server what became of the transaction id. An answer is believed
 * only from the same run of the server, for a crash may give an id that left no trace on disk to somebody else.
 */
import type { PoolClient } from 'pg'
import { DatabaseError } from '../database.ts'
import { databaseErrorFrom } from '../driver-errors.ts'

/** What is needed to find a transaction again after its connection is gone. */
export interface Trace {
  /** `pg_current_xact_id()` */
  readonly xid: string
  readonly processId: number | null
  /** When the server's statistics began: they begin anew after every crash, and on another server. */
  readonly serverRun: string
}

export interface Settling {
  acquire(): Promise<PoolClient>
  serverRunOf(client: PoolClient): string
  pause(ms: number): Promise<void>
}

/** For how long the server is asked, in milliseconds; a restart fits in. */
const patienceMs = 30_000
/** After this long without a verdict the session left behind is ended: its transaction then cannot commit any more. */
const endAfterMs = 1_000

const statusText = 'select pg_xact_status($1::xid8) as status'
const endText =
  'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1::int and backend_xid::text = ($2::xid8)::xid::text'

function unknown(reason: string): DatabaseError {
  return new DatabaseError(`the connection was lost during COMMIT and its outcome cannot be known: ${reason}`, {
    code: 'commit_unknown',
  })
}

/** `null`: not to be known yet. */
async function look(
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
    // "transaction ID … is in the future": this server has no trace of it, so it was never committed here
    if (databaseErrorFrom(error).code === '22023') return 'aborted'
    throw error
  }
  if (status === 'aborted') return 'aborted'
  if (status === 'committed') {
    if (sameRun) return 'committed'
    throw unknown('the server has crashed or was replaced since')
  }
  if (status !== 'in progress') throw unknown('the server has forgotten this transaction')
  // after a crash our session is gone: whoever has this id now is somebody else
  if (!sameRun) return 'aborted'
  if (end) await client.query({ text: endText, values: [trace.processId, trace.xid] })
  return null
}

/** @throws `DatabaseError` with code `commit_unknown` when no verdict can be had. */
export async function outcomeOfCommit(trace: Trace, settling: Settling): Promise<'committed' | 'aborted'> {
  const startedMs = performance.now()
  for (let looks = 0; ; looks += 1) {
    const waitedMs = performance.now() - startedMs
    if (waitedMs > patienceMs) throw unknown('the server does not answer')
    let client: PoolClient | null = null
    try {
      client = await settling.acquire()
      const verdict = await look(client, trace, settling.serverRunOf(client), waitedMs > endAfterMs)
      client.release()
      if (verdict !== null) return verdict
    } catch (thrown) {
      client?.release(true)
      const error = databaseErrorFrom(thrown)
      if (error.code !== 'connection_lost' && error.code !== 'pool_exhausted')
        throw error.code === 'commit_unknown' ? error : unknown(error.message)
    }
    await settling.pause(Math.min(1_000, 10 * 2 ** looks))
  }
}
