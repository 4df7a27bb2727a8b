/** The setting of a soak: servers behind proxies that can break connections, their database, and the gateway process. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Database } from '../../packages/holdfast/src/database/database.ts'
import { migrate } from '../../packages/holdfast/src/database/migrate.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'
import { startTestPostgres, type TestPostgres } from '../../packages/testing/src/postgres/test-postgres.ts'
import { startTcpProxy, type TcpProxy } from '../../packages/testing/src/tcp-proxy.ts'
import { createServerProcess, type ServerProcess } from '../processes/server-process.ts'
import type { GatewayName, SoakGateway } from './gateway.ts'
import { openGateway } from './open-gateway.ts'
import { createOutages, type Outages } from './outages.ts'

/** A server and its connection proxy to the database. */
export interface Outlet {
  server: ServerProcess
  line: TcpProxy
  /** The journal of its deliveries. */
  delivered: string
}

export interface Scene {
  outlets: readonly Outlet[]
  gateway: SoakGateway
  /** The journal of the gateway and of buyers there. */
  journal: string
  postgres: TestPostgres
  /** The shop's database, over a connection that is never broken. */
  database: Database
  outages: Outages
  /** Stops all processes. */
  close(): Promise<void>
}

const program = fileURLToPath(new URL('./server.ts', import.meta.url))
const secret = 'shared-by-the-shop-and-its-gateway'
/** A server that cannot reach its database at startup is restarted, as by a supervisor. */
const startsMax = 60

/** Sets up the scene in `directory`, and starts only the databases. */
export async function setScene(options: {
  directory: string
  gateway: GatewayName
  processes: number
  seed: number
}): Promise<Scene> {
  const { directory, processes, seed } = options
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of closing.reverse()) await end()
  }
  try {
    const postgres = await startTestPostgres({ durable: true })
    closing.push(postgres.stop)
    const shopUrl = await postgres.createDatabase()
    const database = await connectPostgres({ url: shopUrl, poolMax: 2, applicationName: 'soak' })
    closing.push(database.close)
    await migrate(database)
    const outages = createOutages()
    const common = { directory, isBuilt: true, startsMax, explains: outages.explains }
    const outlets: Outlet[] = []
    const address = new URL(shopUrl)
    const journal = path.join(directory, 'gateway')
    const gateway = await openGateway(options.gateway, { process: common, journal, secret, seed: seed + 3 })
    closing.push(gateway.close)
    for (let number = 0; number < processes; number += 1) {
      const line = await startTcpProxy({ host: address.hostname, port: Number(address.port) })
      closing.push(line.stop)
      const delivered = path.join(directory, `delivered-${number}`)
      const environment = { SECRET: secret, GATEWAY: gateway.name, GATEWAY_URL: gateway.url, DELIVERED: delivered }
      const databaseUrl = line.url(shopUrl)
      const server = await createServerProcess({ ...common, databaseUrl, program, environment })
      closing.push(server.kill)
      outlets.push({ server, line, delivered })
    }
    gateway.deliverTo(outlets.map(({ server }) => server.url))
    return { outlets, gateway, journal, postgres, database, outages, close }
  } catch (error) {
    await close()
    throw error
  }
}
