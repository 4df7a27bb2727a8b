/**
 * The race proof: more buyers than units pay at the same moment at several processes of one shop; then one cart is paid
 * many times concurrently. Protects A1, A2, and A5 under the highest contention.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'
import type { AuditReport } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import { audit } from '../../packages/holdfast/src/observe/audit/audit.ts'
import type { Reply } from '../buyers/browser.ts'
import { type BuyerRecord, createBuyer, orderOf } from '../buyers/buyer.ts'
import { mapInParallel } from '../buyers/in-parallel.ts'
import { acknowledgedBy } from '../buyers/reconcile-answers.ts'
import { fillShop, serverEnvironment } from '../buyers/shop.ts'
import { createServerProcess, type ServerProcess } from '../processes/server-process.ts'

export interface RaceOptions {
  /** An empty database. */
  databaseUrl: string
  /** The working directory of the processes, which leave nothing there. */
  directory: string
  processes: number
  buyers: number
  units: number
  /** The number of concurrent payments of one cart. */
  clicks: number
  /** Run the result of `npm run build`. */
  isBuilt?: boolean
}

export interface RaceReport {
  processes: number
  buyers: number
  units: number
  /** Counts of answers: `paid`, or the code of the refusal. */
  answers: Record<string, number>
  /** Refusals that name SKU, requested, and available. */
  clearRefusals: number
  paidOrders: number
  unitsLeft: number
  raceMs: number
  click: {
    clicks: number
    /** Answers that differ from the first. */
    differing: number
    orders: number
    authorizations: number
    captures: number
    payments: number
    ms: number
  }
  audit: AuditReport
  serverErrors: string[]
  /** What failed, in sentences; empty if the proof holds. */
  wrong: string[]
}

const raced = 'LAST-ONES'
const clicked = 'PLENTY'

const readSold = statement(
  'sim_sold',
  `select
     (select count(*) from holdfast.orders o join holdfast.order_lines l on l.order_id = o.id
      where o.status = 'paid' and l.sku = $1) as "paidOrders",
     (select sum(s.on_hand) from holdfast.stock_levels s join holdfast.variants v on v.id = s.variant_id
      where v.sku = $1)::bigint as "unitsLeft"`,
)

const readClick = statement(
  'sim_click',
  `select
     (select count(*) from holdfast.orders where checkout_id = any(mine.ids) and status <> 'cancelled') as orders,
     (select count(*) from holdfast_sandbox.payments where checkout_id = any(mine.ids)) as payments,
     (select count(*) from holdfast_sandbox.requests where checkout_id = any(mine.ids) and kind = 'authorize') as authorizations,
     (select count(*) from holdfast_sandbox.requests where checkout_id = any(mine.ids) and kind = 'capture') as captures
   from (select array(select id from holdfast.checkouts where cart_id = $1) as ids) as mine`,
)

/** Returns the URLs of the servers in alternation. */
function alternating(servers: readonly ServerProcess[]): () => string {
  let turn = 0
  return () => {
    turn += 1
    return servers[turn % servers.length]?.url ?? ''
  }
}

async function race(options: RaceOptions, origin: () => string): Promise<{ records: BuyerRecord[]; raceMs: number }> {
  const deadline = performance.now() + 120_000
  const buyers = Array.from({ length: options.buyers }, () =>
    createBuyer({
      origin,
      line: { sku: raced, quantity: 1 },
      token: 'tok_approve',
      sendsLockId: true,
      isOver: () => performance.now() > deadline,
    }),
  )
  await mapInParallel(buyers, 16, buyer => buyer.prepare())
  const startedAt = performance.now()
  const records = await Promise.all(buyers.map(buyer => buyer.pay()))
  return { records, raceMs: performance.now() - startedAt }
}

async function click(options: RaceOptions, database: Database, origin: () => string) {
  const buyer = createBuyer({
    origin,
    line: { sku: clicked, quantity: 2 },
    token: 'tok_approve',
    sendsLockId: false,
    isOver: () => false,
  })
  await buyer.prepare()
  const startedAt = performance.now()
  const replies = await Promise.all(Array.from({ length: options.clicks }, () => buyer.payOnce()))
  const ms = performance.now() - startedAt
  const [first] = replies
  const isSame = (reply: Reply) => reply !== null && orderOf(reply) !== null && isDeepStrictEqual(reply, first)
  const [facts] = await database.query<Record<'orders' | 'payments' | 'authorizations' | 'captures', number>>(
    readClick,
    [buyer.record.cartId],
  )
  if (facts === undefined) throw new Error('the ledger returned no row')
  return { clicks: options.clicks, differing: replies.filter(reply => !isSame(reply)).length, ...facts, ms }
}

function isClear({ ending }: BuyerRecord): boolean {
  if (ending.kind !== 'refused' || ending.code !== 'insufficient_stock') return false
  const { sku, requested, available } = ending.context
  return sku === raced && requested === 1 && available === 0
}

/** The failures that a report shows. */
function wrongIn(report: Omit<RaceReport, 'wrong'>, records: readonly BuyerRecord[]): string[] {
  const { units, buyers, answers, click: once } = report
  const wrong: string[] = []
  const expect = (name: string, found: number, wanted: number) => {
    if (found !== wanted) wrong.push(`${name}: ${found}, expected ${wanted}`)
  }
  const numbers = records.flatMap(({ ending }) => (ending.kind === 'ordered' ? [ending.order.number] : []))
  expect('orders in answers to buyers', answers.paid ?? 0, units)
  expect('different order numbers among them', new Set(numbers).size, units)
  expect('paid orders in the database', report.paidOrders, units)
  expect('units left', report.unitsLeft, 0)
  expect('clear refusals', report.clearRefusals, buyers - units)
  expect('different answers to the same cart', once.differing, 0)
  expect('orders of the same cart', once.orders, 1)
  expect('payments of the same cart', once.payments, 1)
  expect('authorizations of the same cart', once.authorizations, 1)
  expect('captures of the same cart', once.captures, 1)
  expect('violations', report.audit.violations, 0)
  expect('errors in the servers’ logs', report.serverErrors.length, 0)
  return wrong
}

/** Runs the race and stops the processes it started. */
export async function proveRace(options: RaceOptions): Promise<RaceReport> {
  const { databaseUrl, directory, isBuilt = false } = options
  const database = await connectPostgres({ url: databaseUrl, poolMax: 2 })
  const servers: ServerProcess[] = []
  try {
    await fillShop(database, [
      { sku: raced, priceMinor: 4_900, quantity: options.units },
      { sku: clicked, priceMinor: 1_250, quantity: 1_000 },
    ])
    for (let number = 0; number < options.processes; number += 1) {
      servers.push(await createServerProcess({ directory, databaseUrl, isBuilt, environment: serverEnvironment }))
    }
    await Promise.all(servers.map(server => server.start()))
    const origin = alternating(servers)
    const { records, raceMs } = await race(options, origin)
    const clickReport = await click(options, database, origin)
    await Promise.all(servers.map(server => server.stop()))
    const answers: Record<string, number> = {}
    for (const { ending } of records) {
      const answer = ending.kind === 'ordered' ? 'paid' : ending.kind === 'refused' ? ending.code : ending.kind
      answers[answer] = (answers[answer] ?? 0) + 1
    }
    const [sold] = await database.query<{ paidOrders: number; unitsLeft: number }>(readSold, [raced])
    const { processes, buyers, units } = options
    const report = {
      ...{ processes, buyers, units, answers, raceMs },
      clearRefusals: records.filter(isClear).length,
      paidOrders: sold?.paidOrders ?? 0,
      unitsLeft: sold?.unitsLeft ?? 0,
      click: clickReport,
      audit: await audit(database, { ledger: 'sandbox', drained: true, acknowledged: acknowledgedBy(records) }),
      serverErrors: servers.flatMap(server => server.errors),
    }
    return { ...report, wrong: wrongIn(report, records) }
  } finally {
    await Promise.all(servers.map(server => server.kill()))
    await database.close()
  }
}
