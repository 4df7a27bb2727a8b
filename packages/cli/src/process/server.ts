/** The server process: a shop, its HTTP handler, and the commands that other processes forward to it. */
import { join } from 'node:path'
import { createStorefront, storefront } from '@holdfast/storefront'
import { demoCopy, seedDemo } from '@holdfast/storefront/demo'
import type { CheckoutConfig, CheckoutLog } from 'holdfast'
import { migrate, type RequestHandler } from 'holdfast/database'
import { createShop, type Shop } from 'holdfast/shop'
import type { Caller, CommandHost } from '../command.ts'
import { runProgram } from '../program.ts'
import { createDraining } from './draining.ts'
import { parseForwarded } from './forward.ts'
import { listen } from './http-server.ts'
import { openStore } from './open-store.ts'

export interface ServerOptions {
  config: CheckoutConfig & { secret: string }
  /** Directory of the embedded database, used if there is no `databaseUrl`. */
  dataDirectory: string
  log: CheckoutLog
  demo?: boolean
}

export interface Server {
  addresses: string[]
  shop: Shop
  /** Closes everything, each part before what it depends on. */
  close(): Promise<void>
}

/** Runs forwarded commands on this shop. */
function commandsOn(shop: () => Shop | null, config: CheckoutConfig): RequestHandler {
  return async (args, write) => {
    const { caller, args: rest } = parseForwarded(args, write)
    const open = shop()
    if (open === null) {
      caller.err('the server is starting or stopping; try again in a moment\n')
      return 1
    }
    const { engine, database } = open
    return runProgram(
      rest,
      hostIn(caller, work => work({ ...caller, engine, database, config, migrated: [] })),
    )
  }
}

function hostIn(caller: Caller, run: CommandHost['run']): CommandHost {
  const refuse = async () => {
    caller.err('a server is already running on this database; stop it first, or set DATABASE_URL to run several\n')
    return 1
  }
  return { caller, environment: {}, run, watch: refuse, serve: refuse, work: refuse }
}

/**
 * Starts the server.
 * @throws {ListenError} if the port is not available; {DatabaseError} if the database cannot be opened.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { config, log, dataDirectory } = options
  const current: { shop: Shop | null } = { shop: null }
  const database = await openStore({
    databaseUrl: config.databaseUrl,
    directory: dataDirectory,
    onRequest: commandsOn(() => current.shop, config),
  })
  const ending = new AbortController()
  const draining = createDraining()
  let shop: Shop | null = null
  try {
    await migrate(database, { log: line => log.info(`[Store] ${line}`) })
    shop = await createShop({
      database,
      config,
      log,
      pages: options.demo ? createStorefront({ copy: demoCopy }) : storefront,
      migrate: false,
      stopping: ending.signal,
      mailDirectory: dataDirectory === 'memory://' ? null : join(dataDirectory, 'mail'),
    })
    if (options.demo) log.info('[Store] demonstration', { products: await seedDemo(database) })
    const server = await listen(draining.watch(shop.handler), config)
    current.shop = shop
    const open = shop
    return {
      addresses: server.addresses,
      shop: open,
      async close() {
        ending.abort()
        await draining.done()
        await server.close()
        current.shop = null
        await open.close()
        await database.close()
      },
    }
  } catch (error) {
    await shop?.close()
    await database.close()
    throw error
  }
}
