/** A transaction on a PostgreSQL server is applied exactly once, even if the connection or the server fails. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import {
  createTestDatabase,
  dropTestDatabase,
  startTestPostgres,
  type TestPostgres,
} from '../../../../testing/src/postgres/test-postgres.ts'
import { startTcpProxy, type TcpProxy } from '../../../../testing/src/tcp-proxy.ts'
import { type Database, DatabaseError, statement } from '../../../src/database/database.ts'
import { connectPostgres } from '../../../src/database/postgres/postgres.ts'

const insert = statement('faults_insert', 'insert into entries (id) values ($1)')
const entries = statement('faults_entries', 'select id from entries order by id')
const countUp = statement('faults_count', 'update counters set n = n + 1 where id = $1 returning n')
const killOthers = statement(
  'faults_kill',
  'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()',
)
const scratch = `
create table entries (id int primary key);
create table counters (id int primary key, n int not null default 0);
insert into counters values (1), (2);`

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof DatabaseError ? error.code : `no DatabaseError: ${String(error)}`
}

async function stored(database: Database): Promise<number[]> {
  return (await database.query<{ id: number }>(entries)).map(row => row.id)
}

/** Each call resolves once `size` calls were made. */
function barrier(size: number): () => Promise<void> {
  let waiting = 0
  let open = () => {}
  const all = new Promise<void>(resolve => {
    open = resolve
  })
  return () => {
    waiting += 1
    if (waiting >= size) open()
    return all
  }
}

describe('a server that keeps running', () => {
  const adminUrl = inject('postgresUrl')
  let url: string
  let proxy: TcpProxy
  /** Without the proxy. */
  let direct: Database
  /** Through the proxy. */
  let database: Database

  beforeAll(async () => {
    url = await createTestDatabase(adminUrl)
    const { hostname, port } = new URL(url)
    proxy = await startTcpProxy({ host: hostname, port: Number(port) })
    direct = await connectPostgres({ url, applicationName: 'direct' })
    await direct.execute(scratch)
  })
  beforeEach(async () => {
    await direct.execute('truncate entries; update counters set n = 0')
    database = await connectPostgres({ url: proxy.url(url), applicationName: 'faulty' })
  })
  afterEach(() => database.close())
  afterAll(async () => {
    await direct.close()
    await proxy.stop()
    await dropTestDatabase(adminUrl, url)
  })

  /** Inserts one entry and counts how often the work ran. */
  function insertOne(): { done: Promise<string>; runs: () => number } {
    let runs = 0
    const done = database.transaction(async tx => {
      runs += 1
      tx.send(insert, [runs])
      return `run ${runs}`
    })
    return { done, runs: () => runs }
  }

  test('a transaction whose COMMIT never arrived runs again', async () => {
    const broken = proxy.breakAt('commit\0', { when: 'before' })
    const { done } = insertOne()
    await broken
    expect(await done).toBe('run 2')
    expect(await stored(direct)).toEqual([2])
  })

  test('a COMMIT whose answer was lost counts as committed if it was committed', async () => {
    const broken = proxy.breakAt('commit\0', { when: 'after', answer: 'COMMIT' })
    const { done, runs } = insertOne()
    await broken
    expect(await done).toBe('run 1')
    expect(runs()).toBe(1)
    expect(await stored(direct)).toEqual([1])
  })

  test('the error of a refused statement is reported even if the answer to COMMIT was lost', async () => {
    await direct.query(insert, [7])
    const broken = proxy.breakAt('commit\0', { when: 'after', answer: 'ROLLBACK' })
    const done = database.transaction(async tx => tx.send(insert, [7]))
    const code = codeOf(done)
    await broken
    expect(await code).toBe('23505')
  })

  test('a session whose client is gone is terminated, so its transaction cannot commit later', async () => {
    const broken = proxy.breakAt('commit\0', { when: 'stalled' })
    const { done } = insertOne()
    await broken
    expect(await done).toBe('run 2')
    expect(await stored(direct)).toEqual([2])
  })

  test('transactions whose connections were all killed are each applied once', async () => {
    const allArrived = barrier(6)
    const killed = allArrived().then(() => direct.query(killOthers, ['faulty']))
    let runs = 0
    const addAndCount = (id: number) => {
      let first = true
      return database.transaction(async tx => {
        runs += 1
        await tx.query(insert, [id])
        if (first) {
          first = false
          await allArrived()
          await killed
        }
        tx.send(countUp, [1])
      })
    }
    await Promise.all([0, 1, 2, 3, 4].map(addAndCount))
    expect(runs).toBe(10)
    expect(await stored(direct)).toEqual([0, 1, 2, 3, 4])
    expect(await direct.query(countUp, [1])).toEqual([{ n: 6 }])
  })

  test('work that replaces a lost connection by a different error runs again', async () => {
    let runs = 0
    const result = await database.transaction(async tx => {
      runs += 1
      await tx.query(insert, [runs])
      if (runs === 1) await direct.query(killOthers, ['faulty'])
      await tx.query(entries).catch(() => {
        throw new Error('could not read')
      })
      return runs
    })
    expect(result).toBe(2)
    expect(await stored(direct)).toEqual([2])
  })

  test('a query whose answer was lost is not retried', async () => {
    const broken = proxy.breakAt('faults_insert', { when: 'after', answer: 'INSERT' })
    const code = codeOf(database.query(insert, [1]))
    await broken
    expect(await code).toBe('connection_lost')
    expect(await stored(direct)).toEqual([1])
    expect(await stored(database)).toEqual([1])
  })

  test('a transaction waits for a server that is away for a moment', async () => {
    proxy.cut()
    proxy.refuse(true)
    const { done, runs } = insertOne()
    for (let refusals = 0; refusals < 3; refusals += 1) {
      expect(await codeOf(database.query(entries))).toBe('connection_lost')
    }
    proxy.refuse(false)
    expect(await done).toBe(`run ${runs()}`)
    expect(await stored(direct)).toEqual([runs()])
  })

  test('two transactions in a deadlock are both applied', async () => {
    const bothHold = barrier(2)
    let runs = 0
    const through = (first: number, second: number) =>
      database.transaction(async tx => {
        runs += 1
        await tx.query(countUp, [first])
        await bothHold()
        tx.send(countUp, [second])
      })
    await Promise.all([through(1, 2), through(2, 1)])
    // The victim's next run may lock its row again before the waiting transaction wakes: a second deadlock.
    expect(runs).toBeGreaterThanOrEqual(3)
    expect(await direct.transaction(tx => Promise.all([tx.query(countUp, [1]), tx.query(countUp, [2])]))).toEqual([
      [{ n: 3 }],
      [{ n: 3 }],
    ])
  })

  test('a query waits for an exhausted pool, then fails with pool_exhausted', async () => {
    const small = await connectPostgres({ url, poolMax: 1, connectTimeoutMs: 1_000 })
    let finish = () => {}
    const held = small.transaction(
      () =>
        new Promise<void>(resolve => {
          finish = resolve
        }),
    )
    expect(await codeOf(small.query(entries))).toBe('pool_exhausted')
    const waiting = small.query(entries)
    finish()
    await held
    expect(await waiting).toEqual([])
    await small.close()
  })

  test('a statement that takes too long is cancelled, and its connection stays usable', async () => {
    const strict = await connectPostgres({ url, poolMax: 1, statementTimeoutMs: 50 })
    const sleepy = statement('faults_sleep', 'select pg_sleep(30)')
    expect(await codeOf(strict.transaction(async tx => tx.send(sleepy)))).toBe('57014')
    expect(await stored(strict)).toEqual([])
    await strict.close()
  })

  test('connecting to an absent server or database fails at once with a code', async () => {
    expect(await codeOf(connectPostgres({ url: 'postgres://postgres@127.0.0.1:1/postgres' }))).toBe('connection_lost')
    const absent = new URL(url)
    absent.pathname = '/absent'
    expect(await codeOf(connectPostgres({ url: absent.href }))).toBe('3D000')
  })

  test('a listener receives notifications again after its connection was killed', async () => {
    const received = new Set<string>()
    const stop = await database.listen('faults', payload => received.add(payload))
    await direct.notify('faults', 'before')
    await expect.poll(() => received).toContain('before')
    await direct.query(killOthers, ['faulty'])
    await vi.waitFor(
      async () => {
        await direct.notify('faults', 'after')
        expect(received).toContain('after')
      },
      { timeout: 10_000 },
    )
    await stop()
  })

  test('listeners that start and stop at the same time all receive their notifications', async () => {
    const warned = vi.spyOn(process, 'emitWarning')
    const received: string[] = []
    const names = Array.from({ length: 5 }, (_, index) => `crowd_${index}`)
    const stops = await Promise.all(names.map(name => database.listen(name, payload => received.push(payload))))
    await Promise.all(names.map(name => direct.notify(name, name)))
    await expect.poll(() => received.toSorted()).toEqual(names)
    await Promise.all([...stops.map(stop => stop()), database.listen('late', payload => received.push(payload))])
    await direct.notify('late', 'late')
    await expect.poll(() => received).toContain('late')
    expect(warned).not.toHaveBeenCalled()
    warned.mockRestore()
  })
})

describe('a server that restarts', () => {
  let server: TestPostgres
  let proxy: TcpProxy
  let database: Database

  beforeAll(async () => {
    server = await startTestPostgres({ durable: true })
    const { hostname, port } = new URL(server.url())
    proxy = await startTcpProxy({ host: hostname, port: Number(port) })
    database = await connectPostgres({ url: proxy.url(server.url()) })
    await database.execute(scratch)
  })
  beforeEach(() => database.execute('truncate entries'))
  afterAll(async () => {
    await database.close()
    await proxy.stop()
    await server.stop()
  })

  test.each(['fast', 'immediate'] as const)('a transaction during a restart (%s) runs again', async mode => {
    let runs = 0
    await database.transaction(async tx => {
      runs += 1
      await tx.query(insert, [runs])
      if (runs === 1) await server.restart(mode)
    })
    expect(await stored(database)).toEqual([2])
  })

  test('a COMMIT whose answer was lost in an orderly restart is resolved', async () => {
    const held = proxy.breakAt('commit\0', { when: 'held', answer: 'COMMIT' })
    let runs = 0
    const done = database.transaction(async tx => {
      runs += 1
      tx.send(insert, [runs])
      return runs
    })
    await held
    await server.restart('fast')
    expect(await done).toBe(1)
    expect(await stored(database)).toEqual([1])
  })

  test('a COMMIT whose answer was lost in a crash is reported as commit_unknown', async () => {
    const held = proxy.breakAt('commit\0', { when: 'held', answer: 'COMMIT' })
    const code = codeOf(database.transaction(async tx => tx.send(insert, [1])))
    await held
    await server.restart('immediate')
    expect(await code).toBe('commit_unknown')
    expect(await stored(database)).toEqual([1])
  })
})
