/**
 * The database port on PGlite, PostgreSQL in this process. There is one connection, so transactions and queries run one
 * at a time, in the order of the calls.
 *
 * The files survive a killed process; PGlite has no fsync, so a power failure may lose the latest commits. A query on the
 * database inside the work of a transaction waits for that transaction forever: use `tx` there.
 */
import type { PGlite } from '@electric-sql/pglite'
import { type Database, DatabaseError, probeMs, type Statement, type Transaction, type Value } from '../database.ts'
import { mayRunAgain, retriesMax } from '../driver-errors.ts'
import { answerInTime } from '../query-timeout.ts'
import { createRunningStatements } from '../running-statements.ts'
import { checkName } from '../statement-names.ts'
import type { RequestHandler } from './command-server.ts'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'
import { embeddedNotifications } from './notifications.ts'
import { preparedStatements } from './prepared-statements.ts'
import { type EngineOrigin, embeddedErrorFrom, runScript, startEngine } from './start-pglite.ts'
import { attempt } from './transaction.ts'

export interface EmbeddedOptions extends EngineOrigin {
  /** Created if missing, and locked for this process. Omitted or `memory://`: in memory, lost when the process ends. */
  readonly directory?: string
  /** Runs commands that other processes request (see `requestOfHolder`). */
  readonly onRequest?: RequestHandler
}

export interface EmbeddedDatabase extends Database {
  /** Sets the handler for commands of other processes. */
  onRequest(handler: RequestHandler): void
  /** The data directory as a tar archive, usable as a `template`. */
  dump(): Promise<Blob>
}

const notifyStatement: Statement = { name: 'holdfast_notify', text: 'select pg_notify($1, $2)' }

/** Runs work one at a time, in the order of the calls. A failure does not affect later work. */
function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
}

/**
 * Opens the embedded database.
 * @throws {DatabaseError} `directory_locked` if another process holds the directory.
 */
export async function openEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const { onRequest } = options
  const directory = options.directory === undefined || options.directory === 'memory://' ? null : options.directory
  const lock = directory === null ? null : await lockDirectory(directory, onRequest === undefined ? {} : { onRequest })
  try {
    return databaseOn(await startEngine(directory, options), lock)
  } catch (error) {
    await lock?.release()
    throw error
  }
}

function databaseOn(engine: PGlite, lock: DirectoryLock | null): EmbeddedDatabase {
  const prepared = preparedStatements(engine)
  const running = createRunningStatements()
  const exclusively = createQueue()
  const script = (text: string) => exclusively(() => runScript(engine, text))
  const notifications = embeddedNotifications(engine, script, () => running.closing)

  async function runStatement<Row>(statement: Statement, values: readonly Value[]): Promise<Row[]> {
    try {
      return await prepared.run<Row>(statement, values)
    } catch (error) {
      throw embeddedErrorFrom(error)
    }
  }

  async function query<Row>(statement: Statement, values: readonly Value[]): Promise<Row[]> {
    checkName(statement)
    return exclusively(() => runStatement<Row>(statement, values))
  }

  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let retry = 1; ; retry += 1) {
      try {
        return await exclusively(() => attempt(engine, runStatement, work))
      } catch (error) {
        if (!(error instanceof DatabaseError) || !mayRunAgain(error) || retry > retriesMax) throw error
      }
    }
  }

  async function close(): Promise<void> {
    await running.drain()
    try {
      await engine.close()
    } finally {
      await lock?.release()
    }
  }

  let closed: Promise<void> | null = null

  return {
    kind: 'embedded',
    query: <Row>(statement: Statement, values: readonly Value[] = []) =>
      running.run(() => query<Row>(statement, values)),
    probe: <Row>(statement: Statement, values: readonly Value[] = []) =>
      running.run(() => answerInTime(query<Row>(statement, values), probeMs)),
    transaction: work => running.run(() => transaction(work)),
    execute: text => running.run(() => exclusively(() => runScript(engine, text).finally(prepared.forget))),
    notify: (channel, payload) =>
      running.run(async () => {
        await exclusively(() => runStatement(notifyStatement, [channel, payload]))
      }),
    listen: (channel, receive) => running.run(() => notifications.listen(channel, receive)),
    dump: () => running.run(() => exclusively(() => engine.dumpDataDir('none'))),
    onRequest(handler) {
      lock?.onRequest(handler)
    },
    close() {
      closed ??= close()
      return closed
    },
  }
}
