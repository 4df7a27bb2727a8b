/** Runs commands called from a shell: in this process, or in the one that holds the embedded database. */
import { join } from 'node:path'
import { type CheckoutConfig, CheckoutError, type CheckoutLog, configFromEnvironment } from 'holdfast'
import type { Database } from 'holdfast/database'
import { defaultDirectory, migrate, pendingMigrations } from 'holdfast/database'
import { openLog, plural } from 'holdfast/operations'
import { createShop } from 'holdfast/shop'
import type { Caller, CommandHost, ServeOptions, Work, WorkOptions } from '../command.ts'
import { forward, readFromHolder } from './forward.ts'
import { installationSecret } from './installation-secret.ts'
import { openStore } from './open-store.ts'
import { startServer } from './server.ts'
import { closesInTime, endRequested } from './signals.ts'
import { startWorker } from './worker.ts'

export interface LocalOptions {
  caller: Caller
  environment: Readonly<Record<string, string | undefined>>
  /** The unchanged command line. */
  args: readonly string[]
  /** Resolves when a long-running command must stop; default: SIGTERM or SIGINT. */
  ended?: () => Promise<void>
}

/** Time for a stopped watch to close its connections, milliseconds. */
const closeMs = 2_000

/** The configuration, with the installation's secret if none is set. */
function withSecret(config: CheckoutConfig): CheckoutConfig & { secret: string } {
  return { ...config, secret: config.secret ?? installationSecret(defaultDirectory) }
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
      // The output of the command reports success, so stderr shows warnings only. Log files keep all lines.
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
      // Do not wait for a database that does not answer.
      setTimeout(() => process.exit(code), closeMs).unref()
      return code
    }
    return configFromEnvironment(environment).databaseUrl === null
      ? shown(() => readFromHolder(defaultDirectory, caller, what.args))
      : run(context => shown(() => what.read(context)))
  }

  async function serve({ port, host, demo = false }: ServeOptions): Promise<number> {
    const given = configFromEnvironment(environment)
    const config = withSecret({ ...given, port: port ?? given.port, host: host ?? given.host })
    // A signal during startup stops the server as soon as it has started.
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
        'separate workers need a PostgreSQL server: set DATABASE_URL. With the embedded database, "holdfast serve" runs the workers\n',
      )
      return 2
    }
    if (host !== undefined && workerPort === null) {
      caller.err('--host needs a port: set --port or CHECKOUT_WORKER_PORT\n')
      return 2
    }
    const config = { ...withSecret(given), databaseUrl, workerPort, host: host ?? given.host }
    const end = ended()
    const worker = await startWorker({ config, log: logOf(config, caller) })
    const where = worker.addresses.length === 0 ? '' : ` on ${worker.addresses.join(', ')}`
    caller.out(`worker started${where} (${nameOf(config)})\n`)
    await end
    return finish(() => worker.close())
  }

  async function finish(close: () => Promise<void>): Promise<number> {
    if (!(await closesInTime(close()))) {
      caller.err('shutdown timed out; the next process takes over the unfinished work\n')
      process.exit(0)
    }
    return 0
  }

  return { caller, environment, run, watch, serve, work }
}

/** Applies pending migrations: always on the embedded database, on a PostgreSQL server only with `mayMigrate`. */
async function bringUpToDate(database: Database, mayMigrate: boolean): Promise<string[]> {
  if (mayMigrate || database.kind === 'embedded') return migrate(database)
  const pending = await pendingMigrations(database)
  if (pending.length === 0) return []
  throw new CheckoutError(
    'invalid_argument',
    `The database is ${plural(pending.length, 'migration')} behind. Run "holdfast migrate".`,
  )
}

function nameOf(config: CheckoutConfig): string {
  if (config.databaseUrl === null) return `embedded database ${defaultDirectory}`
  const { hostname, port, pathname } = new URL(config.databaseUrl)
  return `PostgreSQL ${hostname}${port === '' ? '' : `:${port}`}${pathname}`
}
