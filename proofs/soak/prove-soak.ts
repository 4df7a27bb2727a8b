/**
 * The soak: real servers, a real database, and a separate gateway process under load and random disturbances. At the
 * end the disturbances stop, everything drains, is audited, and is compared with the answers that buyers received.
 * Proves invariants A and B without any simulation.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../../packages/holdfast/src/database/database.ts'
import { audit } from '../../packages/holdfast/src/observe/audit/audit.ts'
import { upsertCoupon } from '../../packages/holdfast/src/shop/index.ts'
import { type BuyerRecord, createBuyer } from '../buyers/buyer.ts'
import { runVisits } from '../buyers/load.ts'
import { acknowledgedBy, contradictionsOf } from '../buyers/reconcile-answers.ts'
import { fillShop } from '../buyers/shop.ts'
import { createRandom } from '../random.ts'
import { compare } from './comparison.ts'
import { coverageOf, createCoverage } from './coverage.ts'
import { createDisturber, weightsFor } from './disturbances.ts'
import { factsOf, readCheckouts, type SoakFacts } from './facts.ts'
import type { GatewayName } from './gateway.ts'
import { readJournal } from './journal.ts'
import type { Progress } from './progress.ts'
import { type Scene, setScene } from './scene.ts'
import { runSchedule } from './schedule.ts'
import { couponCode, couponLimitFor, createShoppers, stocksFor } from './shoppers.ts'

export interface SoakOptions {
  /** The working directory of the servers. */
  directory: string
  gateway: GatewayName
  /** The length of the load and the disturbances. */
  minutes: number
  processes: number
  buyers: number
  seed: number
  progress: Progress
}

/** After this time without disturbances, buyers stop retrying. */
const answersMs = 60_000
/** A run without full coverage is extended up to this factor of its length, plus spare time. */
const extensionFactor = 2
const spareMs = 120_000
const drainMs = 240_000
const lookEveryMs = 500
/** Delayed effects of the gateway and silent connections end within this time. */
const settleMs = 12_000

/** Runs load and disturbances until the last buyer has an answer. */
async function soak(scene: Scene, options: SoakOptions) {
  const { minutes, seed, buyers, progress } = options
  const lastsMs = minutes * 60_000
  const startedAt = performance.now()
  const elapsed = () => performance.now() - startedAt
  const coverage = createCoverage(scene)
  let overAt = Number.POSITIVE_INFINITY
  let isEnded = false
  // A slow machine gets more time for full coverage, but not unlimited time.
  const isLong = () => coverage.isComplete() || elapsed() >= lastsMs * extensionFactor + spareMs
  const isClosing = () => isEnded || (elapsed() >= lastsMs && isLong())
  const isOver = () => isEnded || performance.now() >= overAt
  // Each part has its own random stream, so the disturbances of a seed do not depend on how fast buyers are.
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
    progress.arrived(visit.buyer.record)
    coverage.arrived(visit.buyer.record)
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
        coverage.disturbed(kind)
      },
    })
    await endDisturbances(scene)
    overAt = performance.now() + answersMs
    return { records: await load, disturbances, clicks: shoppers.contradictions }
  } finally {
    // Buyers stop if the soak itself failed.
    isEnded = true
    coverage.stop()
  }
}

/** Ends all disturbances and faults, except of requests in progress. */
async function endDisturbances({ outlets, gateway, outages }: Scene): Promise<void> {
  await gateway.calm()
  for (const { line } of outlets) line.refuse(false)
  await pause(settleMs)
  // A broken, silent connection stays silent, as in a real network, until it is cut.
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

/** Waits until everything has drained. The facts report what did not. Returns the seconds it took. */
async function drain(scene: Scene): Promise<number> {
  const startedAt = performance.now()
  const elapsed = () => performance.now() - startedAt
  while (elapsed() < drainMs && !(await isDrained(scene.database))) await pause(lookEveryMs)
  return elapsed() / 1000
}

/** Buys once at every server: each must have recovered from its disturbances by itself. */
async function lastSales({ outlets, gateway }: Scene): Promise<{ records: BuyerRecord[]; unresponsive: string[] }> {
  const records: BuyerRecord[] = []
  const unresponsive: string[] = []
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
    if (buyer.record.ending.kind !== 'ordered')
      unresponsive.push(`server ${number}: ${JSON.stringify(buyer.record.ending)}`)
  }
  return { records, unresponsive }
}

/** Runs the soak, and stops the processes it started. */
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
    progress.enters('starting')
    await Promise.all([gateway.process, ...outlets.map(({ server }) => server)].map(process => process.start()))
    const { records, disturbances, clicks } = await soak(scene, options)
    progress.enters('draining')
    const first = await drain(scene)
    const last = await lastSales(scene)
    const drainSeconds = first + (await drain(scene))
    const seconds = (performance.now() - startedAt) / 1000
    progress.enters('comparing')
    await Promise.all(outlets.map(({ server }) => server.kill()))
    const books = await gateway.openBooks(database)
    records.push(...last.records)
    const delivered = (await Promise.all(outlets.map(outlet => readJournal(outlet.delivered)))).flat()
    const eventIds = delivered.map(line => line.split(' ')[1] ?? '')
    return {
      ...{
        seed,
        processes,
        buyers,
        seconds,
        drainSeconds,
        disturbances,
        records,
        clicks,
        unresponsive: last.unresponsive,
        books,
      },
      ...{ gateway: gateway.name, required: coverageOf(gateway) },
      ...(await factsOf(scene)),
      contradictions: await contradictionsOf(database, records, books.payments),
      comparison: await compare(database, records, eventIds, books.payments),
      redelivered: eventIds.length - new Set(eventIds).size,
      audit: await audit(database, { ledger: books.ledger, drained: true, acknowledged: acknowledgedBy(records) }),
    }
  } finally {
    progress.stop()
    await scene.close()
  }
}
