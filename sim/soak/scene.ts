/** Everything the soak runs on: servers behind lines that can be cut, their database, the gateway with a ledger of its own. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Database } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { connectPostgres } from '../../src/store/postgres.ts'
import { startTcpProxy, type TcpProxy } from '../../src/testing/tcp-proxy.ts'
import { startTestPostgres, type TestPostgres } from '../../src/testing/test-postgres.ts'
import { createServerProcess, type ServerProcess } from '../server-process.ts'
import { createOutages, type Outages } from './outages.ts'

/** A server and its own line to the database. */
export interface Outlet {
  server: ServerProcess
  line: TcpProxy
  /** What its listeners heard. */
  heard: string
}

export interface Scene {
  outlets: readonly Outlet[]
  gateway: ServerProcess
  /** What the gateway did. */
  journal: string
  postgres: TestPostgres
  /** The shop's database, by a line of our own that is never cut. */
  database: Database
  ledger: Database
  outages: Outages
  /** Ends every process. */
  close(): Promise<void>
}

const programs = {
  server: fileURLToPath(new URL('./server.ts', import.meta.url)),
  gateway: fileURLToPath(new URL('./gateway-process.ts', import.meta.url)),
}
const secret = 'kept by the shop and its gateway'
/** A server that starts while its database is away is started again, as any supervisor does. */
const startsMax = 60

async function databaseOn(server: TestPostgres): Promise<{ url: string; database: Database }> {
  const url = await server.createDatabase()
  const database = await connectPostgres({ url, poolMax: 2, applicationName: 'soak' })
  await migrate(database)
  return { url, database }
}

/** Sets it up in `directory`; nothing runs yet but the databases. */
export async function setScene(options: { directory: string; processes: number; seed: number }): Promise<Scene> {
  const { directory, processes, seed } = options
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of closing.reverse()) await end()
  }
  try {
    const postgres = await startTestPostgres({ durable: true })
    closing.push(postgres.stop)
    const vault = await startTestPostgres({ durable: true })
    closing.push(vault.stop)
    const shop = await databaseOn(postgres)
    closing.push(shop.database.close)
    const ledger = await databaseOn(vault)
    closing.push(ledger.database.close)
    const outages = createOutages()
    const common = { directory, isBuilt: true, startsMax, explains: outages.explains }
    const outlets: Outlet[] = []
    const address = new URL(shop.url)
    const journal = path.join(directory, 'gateway')
    const gatewayEnvironment = { SECRET: secret, JOURNAL: journal, SEED: String(seed + 3), SERVERS: '' }
    const gateway = await createServerProcess({
      ...{ ...common, databaseUrl: ledger.url, program: programs.gateway, environment: gatewayEnvironment },
    })
    for (let number = 0; number < processes; number += 1) {
      const line = await startTcpProxy({ host: address.hostname, port: Number(address.port) })
      closing.push(line.stop)
      const heard = path.join(directory, `heard-${number}`)
      const environment = { SECRET: secret, GATEWAY_URL: gateway.url, HEARD: heard }
      const databaseUrl = line.url(shop.url)
      const server = await createServerProcess({ ...common, databaseUrl, program: programs.server, environment })
      closing.push(server.kill)
      outlets.push({ server, line, heard })
    }
    gatewayEnvironment.SERVERS = outlets.map(({ server }) => server.url).join(',')
    closing.push(gateway.kill)
    return {
      ...{ outlets, gateway, journal, postgres, database: shop.database, ledger: ledger.database, outages },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
