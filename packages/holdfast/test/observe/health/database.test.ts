/** Health and readiness with a database that is stopped, silent, out of connections, outdated, or busy. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestPostgres } from '../../../../testing/src/postgres/test-postgres.ts'
import { startTcpProxy } from '../../../../testing/src/tcp-proxy.ts'
import { type Database, statement } from '../../../src/database/database.ts'
import { migrate, migrationsFolder } from '../../../src/database/migrate.ts'
import { connectPostgres } from '../../../src/database/postgres/postgres.ts'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { createCheckout } from '../../../src/engine/create-checkout.ts'
import { createHealth } from '../../../src/observe/health/health.ts'
import { createReadiness } from '../../../src/observe/health/readiness.ts'
import { createSandboxGateway } from '../../../src/payments/sandbox/sandbox.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'

const now = { maxAgeMs: 0 }
const gone = { status: 'critical', message: 'Database does not respond' }

const lockCheckouts = statement('health_test_lock', 'lock table holdfast.checkouts in access exclusive mode')
/** Only waiting statements; the connections of the pool are idle here. */
const endWaiting = statement(
  'health_test_end_waiting',
  `select pg_cancel_backend(pid) as ended from pg_stat_activity
   where application_name = 'health_test_ended' and wait_event_type = 'Lock'`,
)
const countProbers = statement(
  'health_test_probers',
  `select count(*) from pg_stat_activity 
   where application_name = 'health_test_locked' and query ~ 'holdfast[.]'`,
)

let opened: TestDatabase
beforeAll(async () => {
  opened = await openTestDatabase('postgres', { poolMax: 2 })
})
afterAll(() => opened?.stop())

const both = (database: Database) => ({
  health: createHealth({ database }),
  readiness: createReadiness(database, () => false),
})

describe('Health and readiness', () => {
  test('report a stopped server, and its return', async () => {
    const server = await startTestPostgres()
    const database = await connectPostgres({ url: await server.createDatabase() })
    await migrate(database)
    const gateway = createSandboxGateway({ database })
    const engine: CheckoutEngine = await createCheckout({ database, gateways: { card: gateway }, workers: false })
    expect(await engine.health(now)).toMatchObject({ status: 'healthy' })
    expect(await engine.readiness(now)).toMatchObject({ status: 'ready' })
    await server.restart('fast', async () => {
      expect(await engine.health(now)).toMatchObject({ status: 'unhealthy', checks: { database: gone } })
      expect(await engine.readiness(now)).toMatchObject({ status: 'not_ready', checks: { database: gone } })
    })
    expect(await engine.health(now)).toMatchObject({ status: 'healthy' })
    expect(await engine.readiness(now)).toMatchObject({ status: 'ready' })
    await engine.close()
    expect(await engine.readiness(now)).toMatchObject({
      status: 'not_ready',
      checks: { process: { status: 'critical', message: 'Process is shutting down' } },
    })
    await gateway.close()
    await database.close()
    await server.stop()
  })

  test('return in time if the answer never comes, and query again on a new connection', async () => {
    const { hostname, port } = new URL(opened.url ?? '')
    const proxy = await startTcpProxy({ host: hostname, port: Number(port) })
    const database = await connectPostgres({ url: proxy.url(opened.url ?? '') })
    const { health, readiness } = both(database)
    const swallowed = proxy.breakAt('read_health', { when: 'withheld' })
    expect(await health()).toMatchObject({ status: 'unhealthy', checks: { database: gone } })
    expect(await swallowed).toBe(true)
    expect(await health(now)).toMatchObject({ status: 'healthy' })
    proxy.refuse(true)
    proxy.cut()
    expect(await readiness(now)).toMatchObject({ status: 'not_ready', checks: { database: gone } })
    proxy.refuse(false)
    expect(await readiness(now)).toMatchObject({ status: 'ready' })
    await database.close()
    await proxy.stop()
  })

  test('work while all connections of the pool are busy', async () => {
    const { health, readiness } = both(opened.database)
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const working = [1, 2].map(() => opened.database.transaction(() => held))
    const waiting = opened.database.query(statement('health_test_waits', 'select 1 as one'))
    expect(await health(now)).toMatchObject({ status: 'healthy' })
    expect(await readiness(now)).toMatchObject({ status: 'ready' })
    release()
    await Promise.all(working)
    expect(await waiting).toEqual([{ one: 1 }])
  })

  test('do not wait for each other: a health query behind a lock leaves the process ready, and frees its connection soon', async () => {
    const database = await connectPostgres({ url: opened.url ?? '', applicationName: 'health_test_locked' })
    const { health, readiness } = both(database)
    await opened.database.transaction(async tx => {
      await tx.query(lockCheckouts)
      const behind = health(now)
      for (let asked = 0; asked < 5; asked += 1) expect(await readiness(now)).toMatchObject({ status: 'ready' })
      expect(await behind).toMatchObject({ status: 'unhealthy', checks: { database: gone } })
    })
    expect(await health(now)).toMatchObject({ status: 'healthy' })
    await expect.poll(() => opened.database.query(countProbers)).toEqual([{ count: 1 }])
    await database.close()
    await expect.poll(() => opened.database.query(countProbers)).toEqual([{ count: 0 }])
  })

  test('report a statement that the server cancels as a database that does not respond', async () => {
    const database = await connectPostgres({ url: opened.url ?? '', applicationName: 'health_test_ended' })
    const { health } = both(database)
    await opened.database.transaction(async tx => {
      await tx.query(lockCheckouts)
      const behind = health(now)
      await expect.poll(() => opened.database.query(endWaiting)).toEqual([{ ended: true }])
      expect(await behind).toMatchObject({ status: 'unhealthy', checks: { database: gone } })
    })
    expect(await health(now)).toMatchObject({ status: 'healthy' })
    await database.close()
  })

  test('distinguish an unreadable migrations folder from a missing database, and read it again', async () => {
    let isThere = false
    const readiness = createReadiness(
      opened.database,
      () => false,
      async () => {
        if (!isThere) throw new Error('ENOENT')
        return ['0001_store']
      },
    )
    expect(await readiness(now)).toMatchObject({
      status: 'not_ready',
      checks: { database: { status: 'ok' }, schema: { status: 'critical' } },
    })
    isThere = true
    expect(await readiness(now)).toMatchObject({ status: 'ready' })
    expect(() => migrationsFolder('/')).toThrow('no package.json')
  })

  test('use the pool if the server has no connection left', async () => {
    await opened.database.execute(`
      create role thrifty login connection limit 1;
      grant usage on schema holdfast to thrifty; grant select on all tables in schema holdfast to thrifty`)
    const url = new URL(opened.url ?? '')
    url.username = 'thrifty'
    const database = await connectPostgres({ url: url.href, poolMax: 1 })
    const { health, readiness } = both(database)
    expect(await health(now)).toMatchObject({ status: 'healthy' })
    expect(await readiness(now)).toMatchObject({ status: 'ready' })
    await database.close()
    await opened.database.execute('drop owned by thrifty; drop role thrifty')
  })

  test('report a refused query by its SQLSTATE only', async () => {
    await opened.database.execute('create role stranger login')
    const url = new URL(opened.url ?? '')
    url.username = 'stranger'
    const database = await connectPostgres({ url: url.href, poolMax: 1 })
    const { health, readiness } = both(database)
    const refused = { database: { status: 'critical', message: 'Database query failed (42501)' } }
    expect(await health()).toMatchObject({ status: 'unhealthy', checks: refused })
    expect(await readiness()).toMatchObject({ status: 'not_ready', checks: refused })
    await database.close()
    await opened.database.execute('drop role stranger')
  })

  test('report a schema that is outdated or missing', async () => {
    const message = 'Database schema out of date; run holdfast migrate'
    await opened.database.execute(`delete from holdfast.migrations where name = '0001_store'`)
    const { health, readiness } = both(opened.database)
    expect(await readiness(now)).toMatchObject({
      status: 'not_ready',
      checks: { schema: { status: 'critical', count: 1, message } },
    })
    await opened.database.execute(`insert into holdfast.migrations (name) values ('0001_store')`)
    expect(await readiness(now)).toMatchObject({ status: 'ready', checks: { schema: { status: 'ok' } } })
    expect(await health(now)).toMatchObject({ status: 'healthy' })

    const empty = await openTestDatabase('postgres', { migrated: false, poolMax: 1 })
    const without = both(empty.database)
    const missing = { database: { status: 'critical', message } }
    expect(await without.health()).toMatchObject({ status: 'unhealthy', checks: missing })
    expect(await without.readiness()).toMatchObject({ status: 'not_ready', checks: missing })
    await empty.stop()
  })

  test('wait for their turn on the embedded database', async () => {
    const embedded = await openTestDatabase('embedded')
    const { health, readiness } = both(embedded.database)
    expect(await health()).toMatchObject({ status: 'healthy' })
    expect(await readiness()).toMatchObject({ status: 'ready' })
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const working = embedded.database.transaction(() => held)
    expect(await health(now)).toMatchObject({ status: 'unhealthy', checks: { database: gone } })
    release()
    await working
    expect(await health(now)).toMatchObject({ status: 'healthy' })
    await embedded.stop()
  })
})
