/**
 * The soak: real servers on a real database with a gateway of its own process, under load, disturbed in every way at
 * random; then all is healed, left to drain, audited, and compared with what every buyer was told. Proves the A's and B's
 * where nothing is simulated.
 */

import type { Database } from '../../packages/holdfast/src/database/database.ts'
import { audit } from '../../packages/holdfast/src/observe/audit/audit.ts'
import { upsertCoupon } from '../../packages/holdfast/src/shop/index.ts'
import { type BuyerRecord, createBuyer } from '../buyers/buyer.ts'
import { runVisits } from '../buyers/load.ts'
import { acknowledgedBy, contradictionsOf } from '../buyers/reconcile-answers.ts'
import { fillShop } from '../buyers/shop.ts'
import { createRandom } from '../random.ts'
import { createCoverage, everythingOf } from './coverage.ts'
import { createDisturber, weightsFor } from './disturbances.ts'
import { factsOf, readCheckouts, type SoakFacts } from './facts.ts'
import type { GatewayName } from './gateway.ts'
import { readJournal } from './journal.ts'
import type { Progress } from './progress.ts'
import { reckon } from './reckoning.ts'
import { type Scene, setScene } from './scene.ts'
import { runSchedule } from './schedule.ts'
import { couponCode, couponLimitFor, createShoppers, stocksFor } from './shoppers.ts'

export interface SoakOptions {
  /** Where the servers work. */
  directory: string
  gateway: GatewayName
  /** Of load and disturbance. */
  minutes: number
  processes: number
  buyers: number
  seed: number
  progress: Progress
}

/** No buyer tries again so long after all was healed. */
const answersMs = 60_000
/** A run lasts so many times as long as asked for, and this on top, where not everything has happened before. */
const longest = 2
const spareMs = 120_000
const drainMs = 240_000
const lookEveryMs = 500
/** Effects that the gateway had put off, and lines that had gone silent, come to an end within this. */
const settleMs = 12_000

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

/** Load and disturbance, to the last answer. */
async function soak(scene: Scene, options: SoakOptions) {
  const { minutes, seed, buyers, progress } = options
  const lastsMs = minutes * 60_000
  const startedAt = performance.now()
  const elapsed = () => performance.now() - startedAt
  const coverage = createCoverage(scene)
  let overAt = Number.POSITIVE_INFINITY
  let isEnded = false
  // A machine that is slow is given more time to show every kind of thing once, but not for ever.
  const isLong = () => coverage.isComplete() || elapsed() >= lastsMs * longest + spareMs
  const isClosing = () => isEnded || (elapsed() >= lastsMs && isLong())
  const isOver = () => isEnded || performance.now() >= overAt
  // Each draws from a stream of its own, so that what is done to the scene does not depend on how fast buyers are.
  const ways = createRandom(seed + 2)
  const stocks = stocksFor(minutes)
  const shoppers = createShoppers({
    random: createRandom(seed + 1),
    ...{ stocks, isOver, payment: scene.gateway.payment, origin: () => ways.pick(scene.outlets).server.url },
  })
  const disturbances: Record<string, number> = {}
  const random = createRandom(seed)
  const load = runVisits(buyers, isClosing, () => {
    const visit = shoppers.next()
    progress.came(visit.buyer.record)
    coverage.came(visit.buyer.record)
    return visit
  })
  load.catch(() => {})
  try {
    await runSchedule({
      ...{ disturber: createDisturber(scene, random), weights: weightsFor(scene.gateway) },
      ...{ random, lastsMs, isOver: isClosing },
      onDone(kind) {
        disturbances[kind] = (disturbances[kind] ?? 0) + 1
        progress.disturbed(kind)
        coverage.saw(kind)
      },
    })
    await heal(scene)
    overAt = performance.now() + answersMs
    return { records: await load, disturbances, clicks: shoppers.contradictions }
  } finally {
    // Nobody goes on shopping where the soak itself broke.
    isEnded = true
    coverage.stop()
  }
}

/** Nothing goes wrong from here on but what is on its way. */
async function heal({ outlets, gateway, outages }: Scene): Promise<void> {
  await gateway.calm()
  for (const { line } of outlets) line.refuse(false)
  await pause(settleMs)
  // A line that is silent since it was broken stays so, as it would in a network, until somebody ends it.
  await outages.during(async () => {
    for (const { line } of outlets) line.cut()
  })
}

async function isDrained(database: Database): Promise<boolean> {
  const [checkouts] = await database.query<{ open: number }>(readCheckouts)
  if (checkouts?.open !== 0) return false
  const { findings } = await audit(database, { drained: true })
  return findings.every(({ invariant, violations }) => (invariant !== 'B1' && invariant !== 'B4') || violations === 0)
}

/** In vain, the facts afterwards say what did not drain. Gives how long it took. */
async function drain(scene: Scene): Promise<number> {
  const startedAt = performance.now()
  const elapsed = () => performance.now() - startedAt
  while (elapsed() < drainMs && !(await isDrained(scene.database))) await pause(lookEveryMs)
  return elapsed() / 1000
}

/** Every server sells once more: whatever was done to it, it must have recovered by itself. */
async function lastSales({ outlets, gateway }: Scene): Promise<{ records: BuyerRecord[]; dumb: string[] }> {
  const records: BuyerRecord[] = []
  const dumb: string[] = []
  for (const [number, { server }] of outlets.entries()) {
    const deadline = performance.now() + answersMs
    const buyer = createBuyer({
      origin: () => server.url,
      line: { sku: 'PLENTY-0', quantity: 1 },
      ...gateway.surePayment,
      sendsLockId: true,
      isOver: () => performance.now() > deadline,
    })
    records.push(buyer.record)
    if (await buyer.prepare()) await buyer.pay()
    if (buyer.record.ending.kind !== 'ordered') dumb.push(`server ${number}: ${JSON.stringify(buyer.record.ending)}`)
  }
  return { records, dumb }
}

/** Runs it; ends the processes it started, whatever happens. */
export async function proveSoak(options: SoakOptions): Promise<SoakFacts> {
  const { minutes, processes, buyers, seed, progress } = options
  const scene = await setScene(options)
  const startedAt = performance.now()
  try {
    const { database, outlets, gateway } = scene
    await fillShop(database, stocksFor(minutes))
    await upsertCoupon(database, {
      ...{ code: couponCode, discount: { ratePpm: 100_000 }, usageLimit: couponLimitFor(minutes) },
    })
    progress.says('starting')
    await Promise.all([gateway.process, ...outlets.map(({ server }) => server)].map(process => process.start()))
    const { records, disturbances, clicks } = await soak(scene, options)
    progress.says('draining')
    const first = await drain(scene)
    const last = await lastSales(scene)
    const drainSeconds = first + (await drain(scene))
    const seconds = (performance.now() - startedAt) / 1000
    progress.says('comparing')
    await Promise.all(outlets.map(({ server }) => server.kill()))
    const books = await gateway.openBooks(database)
    records.push(...last.records)
    const heard = (await Promise.all(outlets.map(outlet => readJournal(outlet.heard)))).flat()
    const eventIds = heard.map(line => line.split(' ')[1] ?? '')
    return {
      ...{ seed, processes, buyers, seconds, drainSeconds, disturbances, records, clicks, dumb: last.dumb, books },
      ...{ gateway: gateway.name, promised: everythingOf(gateway) },
      ...(await factsOf(scene)),
      contradictions: await contradictionsOf(database, records, books.payments),
      reckoning: await reckon(database, records, eventIds, books.payments),
      heardAgain: eventIds.length - new Set(eventIds).size,
      audit: await audit(database, { ledger: books.ledger, drained: true, acknowledged: acknowledgedBy(records) }),
    }
  } finally {
    progress.stop()
    await scene.close()
  }
}
