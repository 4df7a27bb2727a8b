/**
 * Counts deadlocks: processes that meet at the same carts, articles and coupons, each in another order. With rows locked
 * in one order everywhere there is none; a deadlock is repeated by the database port, so that only its count tells.
 */
import { parseArgs } from 'node:util'
import { createCarts } from '../../src/carts/carts.ts'
import { upsertCoupon } from '../../src/catalog/coupons.ts'
import type { CheckoutEngine } from '../../src/checkout-engine.ts'
import { createCheckout } from '../../src/engine.ts'
import { createSandboxGateway } from '../../src/payments/sandbox.ts'
import { type Database, statement } from '../../src/store/database.ts'
import { connectPostgres } from '../../src/store/postgres.ts'
import { outOf, runProof, wholeNumber, withPostgres } from '../command.ts'
import { fillShop } from '../shop.ts'

const usage = `usage: tsx sim/sensitivity/lock-order.ts [options]
  --rounds N      rounds of buyers, ends with the first deadlock (default 4)
  --json          for programs
`

const processes = 3
const buyers = 24
const secret = 'kept by every process of this shop'
const skus = ['ONE', 'TWO', 'THREE', 'FOUR', 'FIVE', 'SIX']
const codes = ['RED', 'GREEN', 'BLUE']
const tokens = ['tok_approve', 'tok_decline', 'tok_capture_decline']
const address = {
  firstName: 'Ada',
  lastName: 'Byron',
  lineOne: 'Lindenallee 1',
  city: 'Berlin',
  postcode: '10115',
  country: 'DE',
}

const readDeadlocks = statement(
  'sim_deadlocks',
  'select deadlocks::int as deadlocks from pg_stat_database where datname = current_database()',
)
const flushStatistics = statement('sim_flush_statistics', 'select pg_stat_force_next_flush()')

/** A deadlock is looked for after this, not after a second. */
async function hurry(databaseUrl: string): Promise<void> {
  const database = await connectPostgres({ url: databaseUrl, poolMax: 1 })
  try {
    await database.execute(`alter database ${new URL(databaseUrl).pathname.slice(1)} set deadlock_timeout = '40ms'`)
  } finally {
    await database.close()
  }
}

async function oneRound(database: Database, engines: readonly CheckoutEngine[], round: number): Promise<void> {
  const carts = createCarts(database, { currency: 'EUR' })
  const locks = await Promise.all(
    Array.from({ length: buyers }, async (_, index) => {
      const sessionId = `session-${round}-${index}`
      const mine = index % 2 === 0 ? skus : skus.toReversed()
      const cartId = await carts.createCart({
        sessionId,
        email: `${sessionId}@example.com`,
        shippingAddress: address,
        couponCode: codes[index % codes.length] ?? null,
        lines: mine.map(sku => ({ sku, quantity: 1 })),
      })
      const engine = engines[index % engines.length] as CheckoutEngine
      return (await engine.startCheckout(cartId, { sessionId })).id
    }),
  )
  // Every process is asked for every checkout, each in an order of its own.
  const orders = [locks, locks.toReversed(), [...locks.slice(buyers / 2), ...locks.slice(0, buyers / 2)]]
  await Promise.all(
    engines.flatMap((engine, number) =>
      (orders[number % orders.length] ?? locks).map(async (lockId, index) => {
        const token = tokens[(index + number) % tokens.length] ?? 'tok_approve'
        await engine.processCheckout(lockId, { token })
        await engine.cancelCheckout(lockId)
      }),
    ),
  )
}

async function countDeadlocks(databaseUrl: string, rounds: number): Promise<{ deadlocks: number; rounds: number }> {
  await hurry(databaseUrl)
  const connections: Database[] = []
  const engines: CheckoutEngine[] = []
  const connect = async (poolMax: number) => {
    const database = await connectPostgres({ url: databaseUrl, poolMax })
    connections.push(database)
    return database
  }
  try {
    const database = await connect(4)
    await fillShop(
      database,
      skus.map(sku => ({ sku, priceMinor: 1_000, quantity: 1_000 })),
    )
    for (const code of codes) await upsertCoupon(database, { code, discount: { ratePpm: 100_000 } })
    const gateway = createSandboxGateway({ database: await connect(4) })
    for (let number = 0; number < processes; number += 1) {
      const own = await connect(6)
      const config = { secret, currency: 'EUR' }
      engines.push(await createCheckout({ database: own, gateway, workers: false, migrate: false, config }))
    }
    let done = 0
    let deadlocks = 0
    while (done < rounds && deadlocks === 0) {
      await oneRound(database, engines, done)
      done += 1
      deadlocks = await deadlocksNow(connections)
    }
    await gateway.close()
    return { deadlocks, rounds: done }
  } finally {
    await Promise.all(engines.map(engine => engine.close()))
    await Promise.all(connections.map(connection => connection.close()))
  }
}

/** Each connection keeps what it counted for a while, unless it is told to hand it over. */
async function deadlocksNow(connections: readonly Database[]): Promise<number> {
  await Promise.all(
    connections.flatMap(connection => Array.from({ length: 6 }, () => connection.query(flushStatistics))),
  )
  const [row] = (await connections[0]?.query<{ deadlocks: number }>(readDeadlocks)) ?? []
  return row?.deadlocks ?? 0
}

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: { rounds: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help === true) return { text: usage, holds: true }
  const rounds = wholeNumber('rounds', values.rounds, 4, 1_000)
  const report = await withPostgres(null, databaseUrl => countDeadlocks(databaseUrl, rounds))
  const after = `${report.rounds * buyers} checkouts in ${processes} processes`
  const text =
    values.json === true
      ? `${JSON.stringify({ ...report, after })}\n`
      : `deadlocks: ${report.deadlocks}, after ${after}; ${outOf(report.rounds, rounds)} rounds\n`
  return { text, holds: report.deadlocks === 0 }
})
