/** An engine that reaches its database through a proxy, which a test can make fail. */
import { inject } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../../../testing/src/tcp-proxy.ts'
import type { Database } from '../../src/database/database.ts'
import { connectPostgres, type PostgresOptions } from '../../src/database/postgres/postgres.ts'
import type { CheckoutEngine } from '../../src/engine/checkout-engine.ts'
import type { EngineOptions, TestStore } from '../support/test-store.ts'

export interface Line {
  proxy: TcpProxy
  database: Database
  engine: CheckoutEngine
  stop(): Promise<void>
}

/** The address of the shop's database, for separate connections. `server`: default the shared test server. */
export async function addressOf(store: TestStore, server: string = inject('postgresUrl')): Promise<string> {
  const [row] = await store.sql<{ name: string }>('select current_database() as name')
  const address = new URL(server)
  address.pathname = `/${row?.name}`
  return address.href
}

export async function openLine(
  store: TestStore,
  {
    server,
    connection,
    ...options
  }: EngineOptions & { server?: string; connection?: Omit<PostgresOptions, 'url'> } = {},
): Promise<Line> {
  const url = await addressOf(store, server)
  const { hostname, port } = new URL(url)
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) })
  const database = await connectPostgres({ url: proxy.url(url), poolMax: 4, ...connection })
  const engine = await store.open({ database, ...options })
  return {
    proxy,
    database,
    engine,
    async stop() {
      await engine.close()
      await database.close()
      await proxy.stop()
    },
  }
}
