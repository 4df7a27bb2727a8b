/**
 * Workers without a shop: they carry checkouts on, deliver and compare. Where a port is given they have a door of their
 * own, for probes and Prometheus; it is open before any work starts, so that a port that is taken stops nothing half-way.
 */
import type { CheckoutConfig, CheckoutLog } from 'holdfast'
import { migrate } from 'holdfast/database'
import type { HttpHandler } from 'holdfast/http'
import { createWorkerHandler } from 'holdfast/http'
import { createShop, httpLogTo, type Shop } from 'holdfast/shop'
import { createDraining } from './draining.ts'
import { listen } from './http-server.ts'
import { openStore } from './open-store.ts'

export interface WorkerOptions {
  config: CheckoutConfig & { secret: string; databaseUrl: string }
  log: CheckoutLog
}

export interface Worker {
  /** None where no port was given. */
  addresses: string[]
  close(): Promise<void>
}

interface Door {
  addresses: string[]
  /** From now on it answers for this one. */
  openFor(shop: Shop): void
  /** Says that the process ends, and resolves when whoever asks has had the time to hear it. */
  announceEnd(): Promise<void>
  close(): Promise<void>
}

/** @throws {ListenError} */
async function openDoor({ config, log }: WorkerOptions, port: number): Promise<Door> {
  const ending = new AbortController()
  const draining = createDraining()
  const current: { handler: HttpHandler } = {
    handler: async () => new Response('The process is starting.', { status: 503, headers: { 'Retry-After': '1' } }),
  }
  const answer: HttpHandler = (request, environment) => current.handler(request, environment)
  const server = await listen(draining.watch(answer), { port, host: config.host })
  return {
    ...server,
    openFor({ engine, metrics }) {
      const { metricsSecret, trustedProxyHeader } = config
      current.handler = createWorkerHandler({
        engine,
        ...(metrics === null ? {} : { metrics }),
        stopping: ending.signal,
        logsRequests: config.logLevel === 'debug',
        log: httpLogTo(log),
        config: { production: config.environment === 'production', metricsSecret, trustedProxyHeader },
      })
    },
    announceEnd() {
      ending.abort()
      return draining.done()
    },
  }
}

/**
 * Starts the workers, on a database that is brought up to date.
 * @throws {ListenError} when the port is taken; {DatabaseError} when the database is not there.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { config } = options
  const ends: (() => Promise<void>)[] = []
  try {
    const door = config.workerPort === null ? null : await openDoor(options, config.workerPort)
    ends.unshift(async () => door?.close())
    const database = await openStore(config)
    ends.push(() => database.close())
    await migrate(database)
    const shop = await createShop({ ...options, database, migrate: false })
    // The last of the work is counted while the door is open still.
    ends.unshift(async () => void (await Promise.all([door?.announceEnd(), shop.close()])))
    door?.openFor(shop)
    return { addresses: door?.addresses ?? [], close: () => inTurn(ends) }
  } catch (error) {
    await inTurn(ends)
    throw error
  }
}

/** All of them, also where one fails. */
async function inTurn([end, ...others]: readonly (() => Promise<void>)[]): Promise<void> {
  try {
    await end?.()
  } finally {
    if (others.length > 0) await inTurn(others)
  }
}
