/**
 * `npm run bench:health`: the cost of health checks on a database with a long history, with and without load. A real
 * server answers; `/health/live`, which does not query the database, shows the share of the machine and the event loop.
 * Fails if an answer is not 200 or if the health statement reads history. The latencies are for people to judge.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'
import type { Database } from '../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../packages/holdfast/src/database/postgres/postgres.ts'
import { statistics } from '../packages/holdfast/src/observe/diagnosis/statistics.ts'
import { startTestPostgres } from '../packages/testing/src/postgres/test-postgres.ts'
import { fillShop, serverEnvironment } from '../proofs/buyers/shop.ts'
import { wholeNumber } from '../proofs/command/options.ts'
import { runProof } from '../proofs/command/run-proof.ts'
import { createServerProcess } from '../proofs/processes/server-process.ts'
import { coresInUse } from './cores-in-use.ts'
import { makeHistory } from './health-history.ts'
import { explainHealth, type HealthPlan, historical } from './health-plan.ts'
import { type Latencies, requestHealth } from './health-requests.ts'

const paths = ['/health/checkout', '/health/ready', '/health/live'] as const
const skuCount = 100

const say = (line: string) => void process.stderr.write(`${line}\n`)
const digits = (value: number) => value.toFixed(1)

interface Series extends Latencies {
  buyers: number
  everyMs: number
}

interface Report {
  checkouts: number
  /** By other processes, before the series without load and before those with load. */
  coresUsedByOthers: number[]
  series: Series[]
  ordersPerSecond: number
  lostAnswers: number
  plan: HealthPlan
  statisticsMs: number[]
  ok: boolean
}

interface Settings {
  checkouts: number
  seconds: number
  buyers: number
}

/** Starts buyers in another process. The returned function ends them and returns their results. */
function startLoad(url: string, buyers: number) {
  const program = fileURLToPath(new URL('./health-load.ts', import.meta.url))
  const args = ['--import', import.meta.resolve('tsx'), program, url, String(buyers), String(skuCount)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  return async (): Promise<{ orders: number; perSecond: number; lost: number }> => {
    const gone = once(child, 'close')
    child.stdin.end()
    await gone
    return JSON.parse(output)
  }
}

async function requestAll(url: string, settings: Settings, buyers: number): Promise<Series[]> {
  const series: Series[] = []
  for (const everyMs of [100, 1_000]) {
    for (const measured of await requestHealth(url, paths, everyMs, settings.seconds)) {
      series.push({ ...measured, buyers, everyMs })
      say(
        `${buyers} buyers, every ${everyMs} ms, ${measured.path}: p99 ${digits(measured.p99Ms)} ms ${JSON.stringify(measured.statuses)}`,
      )
    }
  }
  return series
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function prepare(database: Database, checkouts: number): Promise<void> {
  await fillShop(
    database,
    Array.from({ length: skuCount }, (_, at) => ({ sku: `SKU-${at + 1}`, priceMinor: 1_000, quantity: 100_000_000 })),
  )
  const startedAt = performance.now()
  let reported = 0
  await makeHistory(database, checkouts, done => {
    if (done < checkouts && done - reported < checkouts / 10) return
    reported = done
    say(`${done} past checkouts after ${digits((performance.now() - startedAt) / 1000)} s`)
  })
}

async function measure(settings: Settings): Promise<Report> {
  const { checkouts, buyers } = settings
  const postgres = await startTestPostgres({ durable: true })
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-bench-health-'))
  try {
    const databaseUrl = await postgres.createDatabase()
    const database = await connectPostgres({ url: databaseUrl })
    await prepare(database, checkouts)
    const server = await createServerProcess({
      directory,
      databaseUrl,
      // The history has no ledger to compare with.
      environment: {
        ...serverEnvironment,
        CHECKOUT_RECONCILE_INTERVAL_MINUTES: '0',
        CHECKOUT_LOGGING_ENABLED: 'false',
      },
    })
    await server.start()
    await requestHealth(server.url, paths, 50, 1)
    const coresUsedByOthers = [await coresInUse()]
    const series = await requestAll(server.url, settings, 0)
    coresUsedByOthers.push(await coresInUse())
    const endLoad = startLoad(server.url, buyers)
    await requestHealth(server.url, paths, 50, 2)
    series.push(...(await requestAll(server.url, settings, buyers)))
    const plan = await explainHealth(database)
    const { perSecond, lost } = await endLoad()
    await server.stop()
    const statisticsMs: number[] = []
    for (const _ of [1, 2, 3]) statisticsMs.push(await timed(() => statistics(database, { hours: 24 })))
    await database.close()
    const failed = series.filter(({ statuses }) => Object.keys(statuses).some(status => !status.startsWith('200')))
    const ok = failed.length + historical(plan).length === 0
    return {
      checkouts,
      coresUsedByOthers,
      series,
      ordersPerSecond: perSecond,
      lostAnswers: lost,
      plan,
      statisticsMs,
      ok,
    }
  } finally {
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

const plain = { style: { head: [], border: [] } }

function describe({
  checkouts,
  coresUsedByOthers,
  series,
  ordersPerSecond,
  lostAnswers,
  plan,
  statisticsMs,
}: Report): string {
  const latencies = new Table({
    ...plain,
    head: ['buyers', 'every', 'path', 'answers', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
    colAligns: ['right', 'right', 'left', 'right', 'right', 'right', 'right', 'right'],
  })
  for (const { buyers, everyMs, path: requested, answers, p50Ms, p95Ms, p99Ms, maxMs } of series) {
    latencies.push([buyers, `${everyMs} ms`, requested, answers, ...[p50Ms, p95Ms, p99Ms, maxMs].map(digits)])
  }
  const accesses = new Table({
    ...plain,
    head: ['table', 'read by', 'rows', 'pages'],
    colAligns: ['left', 'left', 'right', 'right'],
  })
  for (const { table, how, rows, pages } of plan.accesses) accesses.push([table, how, rows, pages])
  return [
    `${checkouts} past checkouts; under load ${digits(ordersPerSecond)} orders per second, ${lostAnswers} lost answers; ` +
      `other processes used ${coresUsedByOthers.map(digits).join(' and ')} of ${availableParallelism()} cores before the two halves`,
    latencies.toString(),
    `the health statement under load: ${digits(plan.executionMs)} ms, ${plan.pages} pages`,
    accesses.toString(),
    `statistics of 24 hours: ${statisticsMs.map(digits).join(', ')} ms`,
    '',
  ].join('\n')
}

await runProof({
  command: 'npm run bench:health --',
  options: {
    checkouts: wholeNumber('N', 'past checkouts', { max: 10_000_000, fallback: 20_000 }),
    seconds: wholeNumber('N', 'seconds of each of the four series (default 60; 3 below 100000 checkouts)', {
      ...{ max: 3_600, fallback: null },
    }),
    buyers: wholeNumber('N', 'concurrent buyers in the series under load', { max: 1_000, fallback: 4 }),
  },
  async run({ checkouts, seconds, buyers }) {
    const report = await measure({ checkouts, buyers, seconds: seconds ?? (checkouts < 100_000 ? 3 : 60) })
    if (!report.ok) say('failed: an answer was not 200, or the health statement read history')
    return { report, text: describe(report), holds: report.ok }
  },
})
