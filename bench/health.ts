/**
 * `npm run bench:health`: what it costs to ask for health on a database with a long past, with and without buyers.
 * A real server, buyers in another process, and the same questions to `/health/live`, which asks the database nothing:
 * what the two have in common is the machine's and the event loop's. It fails where an answer is not 200, or where the
 * statement of health reads what is past; how long answers took is for people to judge.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import type { Database } from '../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../packages/holdfast/src/database/postgres/postgres.ts'
import { statistics } from '../packages/holdfast/src/observe/diagnosis/statistics.ts'
import { startTestPostgres } from '../packages/testing/src/postgres/test-postgres.ts'
import { fillShop, serverEnvironment } from '../proofs/buyers/shop.ts'
import { createServerProcess } from '../proofs/processes/server-process.ts'
import { coresInUse } from './cores-in-use.ts'
import { type Asked, ask } from './health-asking.ts'
import { makeHistory } from './health-history.ts'
import { explainHealth, type HealthPlan, historical } from './health-plan.ts'

const usage = `usage: npm run bench:health -- [options]
  --checkouts N   past checkouts (default 20000)
  --seconds N     how long each of the four series is (default 60, 3 below 100,000 checkouts)
  --buyers N      at once, while there is a load (default 4)
  --json          for programs
`
const paths = ['/health/checkout', '/health/ready', '/health/live'] as const
const skuCount = 100

const say = (line: string) => void process.stderr.write(`${line}\n`)
const digits = (value: number) => value.toFixed(1)

interface Series extends Asked {
  buyers: number
  everyMs: number
}

interface Report {
  checkouts: number
  /** By others, before each half: without buyers and with. */
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
  json: boolean
}

function settingsOf(argv: string[]): Settings | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      checkouts: { type: 'string', default: '20000' },
      seconds: { type: 'string' },
      buyers: { type: 'string', default: '4' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const [checkouts, buyers] = [Number(values.checkouts), Number(values.buyers)]
  const seconds = Number(values.seconds ?? (checkouts < 100_000 ? 3 : 60))
  if (![checkouts, buyers, seconds].every(number => Number.isInteger(number) && number > 0)) {
    throw new Error(`whole numbers above 0, please\n${usage}`)
  }
  return { checkouts, seconds, buyers, json: values.json }
}

/** Buyers at the door of a server; gives the way to send them home, and what they got. */
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

async function askAll(url: string, settings: Settings, buyers: number): Promise<Series[]> {
  const series: Series[] = []
  for (const everyMs of [100, 1_000]) {
    for (const asked of await ask(url, paths, everyMs, settings.seconds)) {
      series.push({ ...asked, buyers, everyMs })
      say(
        `${buyers} buyers, every ${everyMs} ms, ${asked.path}: p99 ${digits(asked.p99Ms)} ms ${JSON.stringify(asked.said)}`,
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
  let told = 0
  await makeHistory(database, checkouts, done => {
    if (done < checkouts && done - told < checkouts / 10) return
    told = done
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
      // The past has no ledger to compare with.
      environment: {
        ...serverEnvironment,
        CHECKOUT_RECONCILE_INTERVAL_MINUTES: '0',
        CHECKOUT_LOGGING_ENABLED: 'false',
      },
    })
    await server.start()
    await ask(server.url, paths, 50, 1)
    const coresUsedByOthers = [await coresInUse()]
    const series = await askAll(server.url, settings, 0)
    coresUsedByOthers.push(await coresInUse())
    const sendHome = startLoad(server.url, buyers)
    await ask(server.url, paths, 50, 2)
    series.push(...(await askAll(server.url, settings, buyers)))
    const plan = await explainHealth(database)
    const { perSecond, lost } = await sendHome()
    await server.stop()
    const statisticsMs: number[] = []
    for (const _ of [1, 2, 3]) statisticsMs.push(await timed(() => statistics(database, { hours: 24 })))
    await database.close()
    const unwell = series.filter(({ said }) => Object.keys(said).some(word => !word.startsWith('200')))
    const ok = unwell.length + historical(plan).length === 0
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
  const asked = new Table({
    ...plain,
    head: ['buyers', 'every', 'asked', 'answers', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
    colAligns: ['right', 'right', 'left', 'right', 'right', 'right', 'right', 'right'],
  })
  for (const { buyers, everyMs, path: asks, answers, p50Ms, p95Ms, p99Ms, maxMs } of series) {
    asked.push([buyers, `${everyMs} ms`, asks, answers, ...[p50Ms, p95Ms, p99Ms, maxMs].map(digits)])
  }
  const accesses = new Table({
    ...plain,
    head: ['table', 'read by', 'rows', 'pages'],
    colAligns: ['left', 'left', 'right', 'right'],
  })
  for (const { table, how, rows, pages } of plan.accesses) accesses.push([table, how, rows, pages])
  return [
    `${checkouts} past checkouts; under load ${digits(ordersPerSecond)} orders a second, ${lostAnswers} answers lost; ` +
      `others used ${coresUsedByOthers.map(digits).join(' and ')} of ${availableParallelism()} cores before the two halves`,
    asked.toString(),
    `the statement of health under load: ${digits(plan.executionMs)} ms, ${plan.pages} pages`,
    accesses.toString(),
    `statistics of 24 hours: ${statisticsMs.map(digits).join(', ')} ms`,
    '',
  ].join('\n')
}

const settings = settingsOf(process.argv.slice(2))
if (settings === null) process.stdout.write(usage)
else {
  const report = await measure(settings)
  process.stdout.write(settings.json ? `${JSON.stringify(report, null, 2)}\n` : describe(report))
  if (!report.ok) say('not as promised: an answer that was not 200, or history that was read')
  process.exitCode = report.ok ? 0 : 1
}
