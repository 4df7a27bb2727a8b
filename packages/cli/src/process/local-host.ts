/** Where commands run when they are called from a shell: here, or in the process that holds the embedded database. */
import { join } from 'node:path'
import { type CheckoutConfig, CheckoutError, type CheckoutLog, configFromEnvironment } from 'holdfast'
import type { Database } from 'holdfast/database'
import { defaultDirectory, migrate, pendingMigrations } from 'holdfast/database'
import { openLog } from 'holdfast/operations'
import { createShop } from 'holdfast/shop'
import type { Caller, CommandHost, ServeOptions, Work, WorkOptions } from '../command.ts'
import { askHolder, forward } from './forward.ts'
import { keptSecret } from './installation-secret.ts'
import { openStore } from './open-store.ts'
import { startServer } from './server.ts'
import { closesInTime, endRequested } from './signals.ts'
import { startWorker } from './worker.ts'

export interface LocalOptions {
  caller: Caller
  environment: Readonly<Record<string, string | undefined>>
  /** The command line, as it was given. */
  args: readonly string[]
  /** Ends a server that is asked to; default: the process's signals. */
  ended?: () => Promise<void>
}

/** A command that watched has this long to let go of what it has open, milliseconds. */
const leaveMs = 2_000

/** The configuration with the secret that is kept where none is given. */
function withSecret(config: CheckoutConfig): CheckoutConfig & { secret: string } {
  return { ...config, secret: config.secret ?? keptSecret(defaultDirectory) }
}

function logOf(config: CheckoutConfig, caller: Caller): CheckoutLog {
  return openLog({
    enabled: config.loggingEnabled,
    level: config.logLevel,
    channel: config.logChannel,
    directory: join(defaultDirectory, 'logs'),
    write: line => caller.err(line),
    pretty: caller.isTty,
    colours: caller.colours,
  })
}

export function localHost(options: LocalOptions): CommandHost {
  const { caller, environment, args, ended = endRequested } = options

  async function run(work: Work, { migrate: mayMigrate = false }: { migrate?: boolean } = {}): Promise<number> {
    const given = configFromEnvironment(environment)
    if (given.databaseUrl === null) {
      const code = await forward(defaultDirectory, caller, args)
      if (code !== null) return code
    }
    const config = withSecret(given)
    const database = await openStore({ databaseUrl: config.databaseUrl })
    try {
      const migrated = await bringUpToDate(database, mayMigrate)
      // At a terminal what went well is in the command's own answer; in the files it is missed.
      const isTerse = config.logChannel === 'stderr' && config.logLevel === 'info'
      const log = logOf(isTerse ? { ...config, logLevel: 'warn' } : config, caller)
      const shop = await createShop({ database, config, log, workers: false, migrate: false })
      try {
        return await work({ ...caller, engine: shop.engine, database, config, migrated })
      } finally {
        await shop.close()
      }
    } finally {
      await database.close()
    }
  }

  const watch: CommandHost['watch'] = async (what, show) => {
    const ending = new AbortController()
    void ended().then(() => ending.abort())
    const signal = AbortSignal.any([ending.signal, ...(caller.gone === undefined ? [] : [caller.gone])])
    async function shown(read: Parameters<typeof show>[0]): Promise<number> {
      const code = await show(read, signal)
      // A database that does not answer keeps nobody waiting who has seen enough.
      setTimeout(() => process.exit(code), leaveMs).unref()
      return code
    }
    return configFromEnvironment(environment).databaseUrl === null
      ? shown(() => askHolder(defaultDirectory, caller, what.args))
      : run(context => shown(() => what.read(context)))
  }

  async function serve({ port, host, demo = false }: ServeOptions): Promise<number> {
    const given = configFromEnvironment(environment)
    const config = withSecret({ ...given, port: port ?? given.port, host: host ?? given.host })
    // Asked to end while it starts, it ends as soon as it has started.
    const end = ended()
    const server = await startServer({ config, dataDirectory: defaultDirectory, log: logOf(config, caller), demo })
    caller.out(`holdfast ready on ${server.addresses.join(', ')} (${nameOf(config)})\n`)
    await end
    return finish(() => server.close())
  }

  async function work({ port, host }: WorkOptions): Promise<number> {
    const given = configFromEnvironment(environment)
    const { databaseUrl } = given
    const workerPort = port ?? given.workerPort
    if (databaseUrl === null) {
      caller.err(
        'workers of their own need a PostgreSQL server: set DATABASE_URL. On the embedded database, serve does the work\n',
      )
      return 2
    }
    if (host !== undefined && workerPort === null) {
      caller.err('no port to listen on: choose one with --port or CHECKOUT_WORKER_PORT\n')
      return 2
    }
    const config = { ...withSecret(given), databaseUrl, workerPort, host: host ?? given.host }
    const end = ended()
    const worker = await startWorker({ config, log: logOf(config, caller) })
    const where = worker.addresses.length === 0 ? '' : ` on ${worker.addresses.join(', ')}`
    caller.out(`holdfast works${where} (${nameOf(config)})\n`)
    await end
    return finish(() => worker.close())
  }

  async function finish(close: () => Promise<void>): Promise<number> {
    if (!(await closesInTime(close()))) {
      caller.err('not everything ended in time; what was in flight is carried on by the next process\n')
      process.exit(0)
    }
    return 0
  }

  return { caller, environment, run, watch, serve, work }
}

/** Applies what is pending; on a server that others may use only when asked to. */
async function bringUpToDate(database: Database, mayMigrate: boolean): Promise<string[]> {
  if (mayMigrate || database.kind === 'embedded') return migrate(database)
  const pending = await pendingMigrations(database)
  if (pending.length === 0) return []
  throw new CheckoutError(
    'invalid_argument',
    `The database is ${pending.length} migrations behind: run holdfast migrate.`,
  )
}

function nameOf(config: CheckoutConfig): string {
  if (config.databaseUrl === null) return `embedded database ${defaultDirectory}`
  const { hostname, port, pathname } = new URL(config.databaseUrl)
  return `PostgreSQL ${hostname}${port === '' ? '' : `:${port}`}${pathname}`
}
