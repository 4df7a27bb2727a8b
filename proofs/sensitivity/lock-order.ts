/**
 * Counts deadlocks between processes that need the same checkouts, articles, and coupons at once. A barrier holds one of
 * the rows until they queue for it with their other locks. If all code locks rows in one order, no deadlock is possible.
 * The database port retries deadlocked transactions, so only the count of the server shows them.
 */

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Database, type Statement, statement } from '../../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'
import type { CheckoutEngine } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import { createCheckout } from '../../packages/holdfast/src/engine/create-checkout.ts'
import { createSandboxGateway } from '../../packages/holdfast/src/payments/sandbox/sandbox.ts'
import { createCarts } from '../../packages/holdfast/src/shop/carts/carts.ts'
import { upsertCoupon } from '../../packages/holdfast/src/shop/catalog/coupons.ts'
import { fillShop } from '../buyers/shop.ts'
import { wholeNumber } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { withPostgres } from '../command/temporary.ts'

const processes = 3
/** New checkouts per process in each of the three meetings of a round. */
const buyersEach = 6
/** How long a meeting waits if fewer transactions queue at the barrier than expected. */
const meetingMsMax = 600
const secret = 'kept by every process of this shop'
const skus = ['ONE', 'TWO', 'THREE', 'FOUR', 'FIVE', 'SIX']
const codes = ['RED', 'GREEN', 'BLUE']
const address = {
  firstName: 'Ada',
  lastName: 'Byron',
  lineOne: 'Lindenallee 1',
  city: 'Berlin',
  postcode: '10115',
  country: 'DE',
}

const holdStock = statement(
  'sim_hold_stock',
  `select 1 from holdfast.stock_levels where (variant_id, location_id) =
     (select variant_id, location_id from holdfast.stock_levels order by random() limit 1) for update`,
)
const holdCheckout = statement('sim_hold_checkout', 'select 1 from holdfast.checkouts where id = $1::uuid for update')
const readWaiting = statement(
  'sim_waiting',
  `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
)
const readDeadlocks = statement(
  'sim_deadlocks',
  'select deadlocks::int as deadlocks from pg_stat_database where datname = current_database()',
)
const flushStatistics = statement('sim_flush_statistics', 'select pg_stat_force_next_flush()')

/** Lets the server look for deadlocks after 40 ms instead of one second. */
async function detectDeadlocksSooner(databaseUrl: string): Promise<void> {
  const database = await connectPostgres({ url: databaseUrl, poolMax: 1 })
  try {
    await database.execute(`alter database ${new URL(databaseUrl).pathname.slice(1)} set deadlock_timeout = '40ms'`)
  } finally {
    await database.close()
  }
}

interface Shop {
  database: Database
  engines: readonly CheckoutEngine[]
}

/** Starts checkouts on one engine, each with every article and one of the coupons. */
function begin({ database }: Shop, engine: CheckoutEngine): Promise<string[]> {
  const carts = createCarts(database, { currency: 'EUR' })
  return Promise.all(
    Array.from({ length: buyersEach }, async (_, index) => {
      const sessionId = randomUUID()
      const cartId = await carts.createCart({
        sessionId,
        email: `${sessionId}@example.com`,
        shippingAddress: address,
        couponCode: codes[index % codes.length] ?? null,
        lines: (index % 2 === 0 ? skus : skus.toReversed()).map(sku => ({ sku, quantity: 1 })),
      })
      return (await engine.startCheckout(cartId, { sessionId })).id
    }),
  )
}

/** Holds the row that `holds` locks until `queued` transactions wait for it, then lets all of them finish. */
async function meet(
  shop: Shop,
  holds: Statement,
  key: string | null,
  queued: number,
  come: () => Promise<unknown>[],
): Promise<void> {
  const { database } = shop
  const coming = await database.transaction(async tx => {
    await tx.query(holds, key === null ? [] : [key])
    const came = come()
    for (const one of came) one.catch(() => {})
    const deadline = performance.now() + meetingMsMax
    let waiting = 0
    while (waiting < queued && performance.now() < deadline) {
      await pause(15)
      const [row] = await database.query<{ waiting: number }>(readWaiting)
      waiting = row?.waiting ?? 0
    }
    return { came }
  })
  await Promise.all(coming.came)
}

const pay = (token: string) => (engine: CheckoutEngine, lockId: string) => engine.processCheckout(lockId, { token })

/** Three meetings: all need the same articles; all need the same checkouts; some release what others need. */
async function oneRound(shop: Shop): Promise<void> {
  const { engines } = shop
  const begun = async () => Promise.all(engines.map(engine => begin(shop, engine)))
  const each = (lockIds: string[][], call: (engine: CheckoutEngine, lockId: string) => Promise<unknown>) =>
    engines.flatMap((engine, number) => (lockIds[number] ?? []).map(lockId => call(engine, lockId)))

  const own = await begun()
  await meet(shop, holdStock, null, processes, () => each(own, pay('tok_capture_decline')))

  const shared = (await begun()).flat()
  await meet(shop, holdCheckout, shared[0] ?? null, processes, () =>
    each([shared, shared.toReversed(), shared.toSorted()], pay('tok_approve')),
  )

  const released = await begun()
  await Promise.all(each(released, pay('tok_action_required')))
  const fresh = await begun()
  const cancel = (engine: CheckoutEngine, lockId: string) => engine.cancelCheckout(lockId)
  await meet(shop, holdStock, null, 2 * processes, () => [
    ...each(released, cancel),
    ...each(fresh, pay('tok_approve')),
  ])
}

async function countDeadlocks(databaseUrl: string, rounds: number): Promise<{ deadlocks: number; rounds: number }> {
  await detectDeadlocksSooner(databaseUrl)
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
      engines.push(
        await createCheckout({ database: own, gateways: { card: gateway }, workers: false, migrate: false, config }),
      )
    }
    let done = 0
    let deadlocks = 0
    while (done < rounds && deadlocks === 0) {
      await oneRound({ database, engines })
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

/** A connection reports its counts after a delay, unless it is asked to flush them. */
async function deadlocksNow(connections: readonly Database[]): Promise<number> {
  await Promise.all(
    connections.flatMap(connection => Array.from({ length: 6 }, () => connection.query(flushStatistics))),
  )
  const [row] = (await connections[0]?.query<{ deadlocks: number }>(readDeadlocks)) ?? []
  return row?.deadlocks ?? 0
}

await runProof({
  command: 'tsx proofs/sensitivity/lock-order.ts',
  options: { rounds: wholeNumber('N', 'rounds of buyers, or until the first deadlock', { max: 1_000, fallback: 8 }) },
  async run({ rounds }) {
    const counted = await withPostgres(null, databaseUrl => countDeadlocks(databaseUrl, rounds))
    const after = `${counted.rounds} of ${rounds} rounds`
    const report = { ...counted, after }
    return { report, text: `deadlocks: ${counted.deadlocks}, after ${after}\n`, holds: counted.deadlocks === 0 }
  },
})
