/**
 * The worker process: recovers checkouts, delivers events, and reconciles payments, without serving a shop. With a port it
 * also answers probes and Prometheus. The port opens before any work starts, so a port in use interrupts no work.
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
  /** Empty without a port. */
  addresses: string[]
  close(): Promise<void>
}

interface ProbeServer {
  addresses: string[]
  /** Starts to answer probes and metrics for this shop. Before, it answers 503. */
  serve(shop: Shop): void
  /** Reports "not ready"; resolves when load balancers have had the time to see it. */
  drain(): Promise<void>
  close(): Promise<void>
}

/** @throws {ListenError} */
async function openProbeServer({ config, log }: WorkerOptions, port: number): Promise<ProbeServer> {
  const ending = new AbortController()
  const draining = createDraining()
  const current: { handler: HttpHandler } = {
    handler: async () => new Response('The process is starting.', { status: 503, headers: { 'Retry-After': '1' } }),
  }
  const answer: HttpHandler = (request, environment) => current.handler(request, environment)
  const server = await listen(draining.watch(answer), { port, host: config.host })
  return {
    ...server,
    serve({ engine, metrics }) {
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
    drain() {
      ending.abort()
      return draining.done()
    },
  }
}

/**
 * Applies pending migrations and starts the workers.
 * @throws {ListenError} if the port is not available; {DatabaseError} if the database is not reachable.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { config } = options
  const closers: (() => Promise<void>)[] = []
  try {
    const probes = config.workerPort === null ? null : await openProbeServer(options, config.workerPort)
    closers.unshift(async () => probes?.close())
    const database = await openStore(config)
    closers.push(() => database.close())
    await migrate(database)
    const shop = await createShop({ ...options, database, migrate: false })
    // The shop closes while the port is still open, so the metrics include its last work.
    closers.unshift(async () => void (await Promise.all([probes?.drain(), shop.close()])))
    probes?.serve(shop)
    return { addresses: probes?.addresses ?? [], close: () => closeInOrder(closers) }
  } catch (error) {
    await closeInOrder(closers)
    throw error
  }
}

/** Runs every closer, even if one fails. */
async function closeInOrder([close, ...others]: readonly (() => Promise<void>)[]): Promise<void> {
  try {
    await close?.()
  } finally {
    if (others.length > 0) await closeInOrder(others)
  }
}
