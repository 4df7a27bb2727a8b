/**
 * The soak: real servers on a real database with a gateway of its own process, under load, disturbed in every way at
 * random; then all is healed, left to drain, audited, and compared with what every buyer was told. Proves the A's and B's
 * where nothing is simulated.
 */
import type { AuditReport } from '../../src/checkout-engine.ts'
import { audit } from '../../src/observe/audit.ts'
import { type Database, statement } from '../../src/store/database.ts'
import { upsertCoupon } from '../../src/store.ts'
import { type BuyerRecord, createBuyer } from '../buyer.ts'
import { runDoors } from '../load.ts'
import { createRandom } from '../random.ts'
import { fillShop } from '../shop.ts'
import { acknowledgedBy, type Contradictions, contradictionsOf } from '../told.ts'
import { createCoverage } from './coverage.ts'
import { createDisturber } from './disturbances.ts'
import { countsOf, readJournal } from './journal.ts'
import { copyLedger } from './ledger-copy.ts'
import type { Progress } from './progress.ts'
import { type Reckoning, reckon } from './reckoning.ts'
import { type Scene, setScene } from './scene.ts'
import { runSchedule } from './schedule.ts'
import { couponCode, couponLimitFor, createShoppers, stocksFor } from './shoppers.ts'

export interface SoakOptions {
  /** Where the servers work. */
  directory: string
  /** Of load and disturbance. */
  minutes: number
  processes: number
  buyers: number
  seed: number
  progress: Progress
}

/** What the soak saw, before anybody judges it. */
export interface SoakFacts {
  seed: number
  processes: number
  buyers: number
  seconds: number
  drainSeconds: number
  disturbances: Record<string, number>
  faults: Record<string, number>
  lateEffects: number
  calls: Record<string, number>
  webhooks: Record<string, number>
  forged: Record<string, number>
  checkouts: {
    started: number
    completed: number
    failed: number
    open: number
    carriedOn: number
    expired: number
    failures: Record<string, number>
  }
  records: BuyerRecord[]
  /** Of simultaneous clicks. */
  clicks: readonly string[]
  contradictions: Contradictions
  reckoning: Reckoning
  audit: AuditReport
  /** How often each event was heard once more than needed. */
  heardAgain: number
  parked: number
  errors: { explained: number; alerts: number; unexpected: string[]; surprises: string[] }
  /** Servers that sold nothing more once all was healed. */
  dumb: string[]
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

const readCheckouts = statement(
  'soak_checkouts',
  `select count(*) as started, count(*) filter (where state = 'completed') as completed,
     count(*) filter (where state = 'failed') as failed, count(*) filter (where state not in ('completed', 'failed')) as open,
     count(*) filter (where epoch > 1) as "carriedOn", count(*) filter (where failure->>'code' = 'checkout_expired') as expired
   from holdfast.checkouts`,
)
const readFailures = statement(
  'soak_failures',
  `select failure->>'code' as code, count(*) as count from holdfast.checkouts where state = 'failed' group by 1`,
)
const countParked = statement('soak_parked', `select count(*) as count from holdfast.deliveries where state = 'parked'`)

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
    ...{ stocks, isOver, origin: () => ways.pick(scene.outlets).server.url },
  })
  const disturbances: Record<string, number> = {}
  const random = createRandom(seed)
  const load = runDoors(buyers, isClosing, () => {
    const visit = shoppers.next()
    progress.came(visit.buyer.record)
    coverage.came(visit.buyer.record)
    return visit
  })
  load.catch(() => {})
  try {
    await runSchedule({
      ...{ disturber: createDisturber(scene, random), random, lastsMs, isOver: isClosing },
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
  await fetch(`${gateway.url}/calm`, { method: 'POST' })
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
async function lastSales({ outlets }: Scene): Promise<{ records: BuyerRecord[]; dumb: string[] }> {
  const records: BuyerRecord[] = []
  const dumb: string[] = []
  for (const [number, { server }] of outlets.entries()) {
    const deadline = performance.now() + answersMs
    const buyer = createBuyer({
      origin: () => server.url,
      line: { sku: 'PLENTY-0', quantity: 1 },
      token: 'tok_approve',
      namesLock: true,
      isOver: () => performance.now() > deadline,
    })
    records.push(buyer.record)
    if (await buyer.prepare()) await buyer.pay()
    if (buyer.record.ending.kind !== 'ordered') dumb.push(`server ${number}: ${JSON.stringify(buyer.record.ending)}`)
  }
  return { records, dumb }
}

async function factsOf(scene: Scene) {
  const { database, outlets, journal } = scene
  const [checkouts] = await database.query<Omit<SoakFacts['checkouts'], 'failures'>>(readCheckouts)
  if (checkouts === undefined) throw new Error('the database gave no answer')
  const failures = await database.query<{ code: string; count: number }>(readFailures)
  const [parked] = await database.query<{ count: number }>(countParked)
  const lines = await readJournal(journal)
  const servers = [scene.gateway, ...outlets.map(({ server }) => server)]
  return {
    faults: countsOf(lines, 'fault'),
    lateEffects: countsOf(lines, 'effect').late ?? 0,
    calls: countsOf(lines, 'call'),
    webhooks: countsOf(lines, 'webhook'),
    forged: countsOf(lines, 'forged'),
    checkouts: { ...checkouts, failures: Object.fromEntries(failures.map(({ code, count }) => [code, count])) },
    parked: parked?.count ?? 0,
    errors: {
      explained: servers.reduce((sum, server) => sum + server.explained, 0) - scene.outages.alerts,
      alerts: scene.outages.alerts,
      unexpected: servers.flatMap(server => server.errors),
      surprises: servers.flatMap(server => server.surprises),
    },
  }
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
    await Promise.all([gateway, ...outlets.map(({ server }) => server)].map(process => process.start()))
    const { records, disturbances, clicks } = await soak(scene, options)
    progress.says('draining')
    const first = await drain(scene)
    const last = await lastSales(scene)
    const drainSeconds = first + (await drain(scene))
    const seconds = (performance.now() - startedAt) / 1000
    progress.says('comparing')
    await Promise.all([gateway, ...outlets.map(({ server }) => server)].map(process => process.kill()))
    await copyLedger(scene.ledger, database)
    records.push(...last.records)
    const heard = (await Promise.all(outlets.map(outlet => readJournal(outlet.heard)))).flat()
    const eventIds = heard.map(line => line.split(' ')[1] ?? '')
    return {
      ...{ seed, processes, buyers, seconds, drainSeconds, disturbances, records, clicks, dumb: last.dumb },
      ...(await factsOf(scene)),
      contradictions: await contradictionsOf(database, records),
      reckoning: await reckon(database, records, eventIds),
      heardAgain: eventIds.length - new Set(eventIds).size,
      audit: await audit(database, { ledger: 'sandbox', drained: true, acknowledged: acknowledgedBy(records) }),
    }
  } finally {
    progress.stop()
    await scene.close()
  }
}
