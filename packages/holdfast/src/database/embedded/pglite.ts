/**
 * The database port on PGlite, PostgreSQL in this process: one connection, so transactions and queries stand in one
 * queue, first come, first served.
 *
 * The files survive a killed process; PGlite has no fsync, so a power cut may lose the latest commits. A query on the
 * database from inside a running transaction's work waits for that transaction, and so for ever: use `tx`.
 */
import { mkdir, realpath, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setImmediate as otherTurn } from 'node:timers/promises'
import { PGlite, type PGliteOptions } from '@electric-sql/pglite'
import { answerInTime } from '../answer-in-time.ts'
import { type Database, DatabaseError, probeMs, type Statement, type Transaction, type Value } from '../database.ts'
import { databaseErrorFrom, mayRunAgain, retriesMax } from '../driver-errors.ts'
import { keyedPlans } from '../planner.ts'
import { createRunningStatements } from '../running-statements.ts'
import { checkName } from '../statement-names.ts'
import { type DirectoryLock, lockDirectory, type RequestHandler } from './directory-lock.ts'
import { initArguments, preparedCluster } from './prepared-cluster.ts'
import { preparedStatements } from './prepared-statements.ts'

export interface EmbeddedOptions {
  /** Made if missing and held by this process alone. Left out or `memory://`: in memory, gone with the process. */
  readonly directory?: string
  /** Runs commands that other processes ask for (see `requestOfHolder`). */
  readonly onRequest?: RequestHandler
  /** A dump of a data directory to start from, when there is none yet. */
  readonly template?: Blob
  /** The folder of an archive that `placeCluster` made: a first start then takes one second instead of five. */
  readonly clusterFolder?: string
}

export interface EmbeddedDatabase extends Database {
  /** Who runs the commands of other processes from now on. */
  onRequest(handler: RequestHandler): void
  /** The data directory as a tar archive, to start others from. */
  dump(): Promise<Blob>
}

/**
 * Plans as on a server. 16 MB of shared buffers instead of 128: the process is 100 MB smaller, starts sooner, and sells
 * as much.
 */
const startArguments = [
  ...PGlite.defaultStartParams,
  ...['-B', '2048'],
  ...Object.entries(keyedPlans).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
]

/** What a new database is made from; nothing: `initdb` makes it, which takes five times as long. */
async function startFrom({ template, clusterFolder }: EmbeddedOptions): Promise<PGliteOptions> {
  const archive = template ?? (clusterFolder === undefined ? null : await preparedCluster(clusterFolder))
  return archive === null ? {} : { loadDataDir: archive }
}

/** Made elsewhere and moved into place whole: a process killed meanwhile leaves nothing that looks like a database. */
async function openFiles(directory: string, options: PGliteOptions, origin: EmbeddedOptions): Promise<PGlite> {
  const data = path.join(directory, 'data')
  if ((await stat(data).catch(() => null)) === null) {
    const making = path.join(directory, 'data.new')
    await rm(making, { recursive: true, force: true })
    await mkdir(making, { recursive: true, mode: 0o700 })
    const made = await PGlite.create({ ...options, ...(await startFrom(origin)), dataDir: making })
    await made.close()
    await rename(making, data)
  }
  return PGlite.create({ ...options, dataDir: data })
}

/** One after the other, in the order of the calls; a failure does not stop those behind it. */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
}

/**
 * Opens the embedded database.
 * @throws `DatabaseError` with code `directory_locked` when another process holds the directory.
 */
export async function openEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const directory = options.directory === 'memory://' ? undefined : options.directory
  const { onRequest } = options
  const lock: DirectoryLock | null =
    directory === undefined ? null : await lockDirectory(directory, onRequest === undefined ? {} : { onRequest })
  const settings: PGliteOptions = {
    startParams: startArguments,
    initDbStartParams: initArguments,
  }
  let engine: PGlite
  try {
    engine =
      directory === undefined
        ? await PGlite.create({ ...settings, ...(await startFrom(options)) })
        : await openFiles(await realpath(directory), settings, options)
  } catch (error) {
    await lock?.release()
    throw error
  }
  const prepared = preparedStatements(engine)
  const running = createRunningStatements()
  const exclusively = queue()

  async function ask<Row>(statement: Statement, values: readonly Value[]): Promise<Row[]> {
    try {
      return await prepared.run<Row>(statement, values)
    } catch (error) {
      throw embeddedErrorFrom(error)
    }
  }

  async function attempt<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const answers: Promise<unknown>[] = []
    const first: { error: DatabaseError | null } = { error: null }
    let open = true

    function run<Row>(statement: Statement, values: readonly Value[]): Promise<Row[]> {
      if (!open) throw new DatabaseError('the transaction has ended', { code: 'transaction_ended' })
      checkName(statement)
      const answer = ask<Row>(statement, values).catch((error: DatabaseError) => {
        if (error.code === 'unsafe_integer') throw error
        first.error ??= error
        throw first.error
      })
      answer.catch(() => {})
      answers.push(answer)
      return answer
    }

    const tx: Transaction = {
      query: <Row>(statement: Statement, values: readonly Value[] = []) => run<Row>(statement, values),
      send(statement, values = []) {
        run(statement, values)
      },
    }
    // PGlite works without ever letting go of this process. Whoever has arrived meanwhile is heard here, and goes in the
    // same set; else a crowd would be served one by one.
    await otherTurn()
    await engine.exec('begin')
    let value: T
    try {
      value = await work(tx)
    } catch (error) {
      open = false
      await Promise.allSettled(answers)
      await engine.exec('rollback')
      throw error
    }
    open = false
    await Promise.allSettled(answers)
    if (first.error !== null) {
      await engine.exec('rollback')
      throw first.error
    }
    const [answer] = await engine.exec('commit').catch((error: unknown) => {
      throw embeddedErrorFrom(error)
    })
    if (answer?.command !== 'COMMIT') {
      throw new DatabaseError('COMMIT was answered with ROLLBACK', { code: '25P02' })
    }
    return value
  }

  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let retry = 1; ; retry += 1) {
      try {
        return await exclusively(() => attempt(work))
      } catch (error) {
        if (!(error instanceof DatabaseError) || !mayRunAgain(error) || retry > retriesMax) throw error
      }
    }
  }

  const channels = new Map<string, Set<(payload: string) => void>>()
  engine.onNotification((channel, payload) => {
    for (const receive of channels.get(channel) ?? []) receive(payload)
  })

  async function listen(channel: string, receive: (payload: string) => void): Promise<() => Promise<void>> {
    const name = `"${channel.replaceAll('"', '""')}"`
    const own = (payload: string) => receive(payload)
    channels.set(channel, (channels.get(channel) ?? new Set()).add(own))
    await exclusively(() => runScript(engine, `listen ${name}`))
    return async () => {
      const receivers = channels.get(channel)
      if (receivers === undefined || !receivers.delete(own) || receivers.size > 0) return
      channels.delete(channel)
      if (!running.closing) await exclusively(() => runScript(engine, `unlisten ${name}`))
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
  const notify: Statement = { name: 'holdfast_notify', text: 'select pg_notify($1, $2)' }

  return {
    kind: 'embedded',
    query: <Row>(statement: Statement, values: readonly Value[] = []) =>
      running.run(async () => {
        checkName(statement)
        return exclusively(() => ask<Row>(statement, values))
      }),
    probe: <Row>(statement: Statement, values: readonly Value[] = []) =>
      running.run(async () => {
        checkName(statement)
        return answerInTime(
          exclusively(() => ask<Row>(statement, values)),
          probeMs,
        )
      }),
    transaction: work => running.run(() => transaction(work)),
    execute: script => running.run(() => exclusively(() => runScript(engine, script).finally(prepared.forget))),
    notify: (channel, payload) =>
      running.run(async () => {
        await exclusively(() => ask(notify, [channel, payload]))
      }),
    listen: (channel, receive) => running.run(() => listen(channel, receive)),
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

async function runScript(engine: PGlite, script: string): Promise<void> {
  try {
    await engine.exec(script)
  } catch (error) {
    if (engine.isInTransaction()) await engine.exec('rollback')
    throw embeddedErrorFrom(error)
  }
}

/** There is no connection here that could be lost: what has no SQLSTATE comes from PGlite itself. */
function embeddedErrorFrom(error: unknown): DatabaseError {
  const known = databaseErrorFrom(error)
  if (known.code !== 'connection_lost') return known
  return new DatabaseError(error instanceof Error ? error.message : String(error), { code: 'embedded', cause: error })
}
