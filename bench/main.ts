/**
 * `npm run bench`: complete checkouts a second, in process on PostgreSQL with fsync on, against the chain of
 * transactions that a careful engineer writes by hand, in the same run. Both sides are audited at the end.
 */
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startTestPostgres } from '../packages/testing/src/postgres/test-postgres.ts'
import { type Contestant, type Evidence, openContestant, type Side } from './contestants.ts'
import { coresInUse } from './cores-in-use.ts'
import { drive } from './load.ts'
import { type CellPlan, ours, type Plan, planOf } from './plan.ts'
import { type Cell, describe, differingRows, type Machine, pairedRatio, type Report, ratiosOf } from './report.ts'
import { cartMaker, type Demand } from './shop.ts'

const usage = `usage: npm run bench -- [options]
  --seconds N           measured a cell, after a warm-up (default 6; 1.5 with --short)
  --only uniform|hot    one kind of demand only
  --short               fewer and shorter cells, for a quick look
  --url URL             a PostgreSQL server to use (superuser) instead of starting one
  --json                for programs
`

interface Options {
  plan: Plan
  demands: Demand[]
  url: string | null
  json: boolean
}

class UsageError extends Error {}

function readOptions(argv: string[]): Options | null {
  let values: { seconds?: string; only?: string; short?: boolean; url?: string; json?: boolean; help?: boolean }
  try {
    values = parseArgs({
      args: argv,
      options: {
        seconds: { type: 'string' },
        only: { type: 'string' },
        short: { type: 'boolean' },
        url: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  if (values.help === true) return null
  const seconds = values.seconds === undefined ? null : Number(values.seconds)
  if (seconds !== null && !(seconds > 0 && seconds <= 600)) throw new UsageError('--seconds is a number up to 600.')
  const { only } = values
  if (only !== undefined && only !== 'uniform' && only !== 'hot') throw new UsageError('--only is uniform or hot.')
  return {
    plan: planOf({ short: values.short === true, seconds }),
    demands: only === undefined ? ['uniform', 'hot'] : [only],
    url: values.url ?? null,
    json: values.json === true,
  }
}

/** From here on, what others do shows in the figures. */
const disturbingCores = 0.2

const say = (line: string) => void process.stderr.write(`${line}\n`)

async function machineOf(serverUrl: string): Promise<Machine> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  const answer = await client.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name in ('server_version', 'fsync', 'synchronous_commit')`,
  )
  await client.end()
  const coresUsedByOthers = await coresInUse()
  const setting = (name: string) => answer.rows.find(row => row.name === name)?.setting ?? '?'
  return {
    cores: availableParallelism(),
    coresUsedByOthers,
    processor: cpus()[0]?.model.trim() || 'unknown processor',
    node: process.versions.node,
    postgres: setting('server_version').split(' ')[0] ?? '?',
    fsync: setting('fsync'),
    synchronousCommit: setting('synchronous_commit'),
  }
}

async function measure(contestant: Contestant, plan: Plan, cell: CellPlan, demand: Demand): Promise<Cell> {
  const measured = await contestant.withConnections(cell.connections, checkOut =>
    drive({
      concurrency: cell.concurrency,
      warmUpSeconds: plan.warmUpSeconds,
      seconds: plan.seconds,
      nextCart: cartMaker(demand),
      checkOut,
      onSold: contestant.onSold,
    }),
  )
  const { side, concurrency } = cell
  const { perSecond, p50Ms, p99Ms } = measured
  const found = `${perSecond.toFixed(0)}/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`
  say(`${demand.padEnd(8)}${side.padEnd(9)}${String(concurrency).padStart(4)} buyers: ${found}`)
  return { ...cell, ...measured, demand }
}

/** One kind of demand, both sides in turns; adds what was found to the report. */
async function run(demand: Demand, serverUrl: string, plan: Plan, report: Report): Promise<void> {
  say(`${demand}: filling two shops with 10,000 SKUs each`)
  const sides: Record<Side, Contestant> = {
    holdfast: await openContestant('holdfast', serverUrl),
    baseline: await openContestant('baseline', serverUrl),
  }
  for (const cell of plan.cells) report.cells.push(await measure(sides[cell.side], plan, cell, demand))
  const swept = report.cells.filter(cell => cell.demand === demand && cell.side === 'baseline')
  const rival = swept.toSorted((a, b) => b.perSecond - a.perSecond)[0]
  const pairs: [number, number][] = []
  for (let pair = 0; rival !== undefined && pair < plan.pairs; pair += 1) {
    const mine = await measure(sides.holdfast, plan, ours(256), demand)
    const { side, concurrency, connections } = rival
    const theirs = await measure(sides.baseline, plan, { side, concurrency, connections }, demand)
    pairs.push([mine.perSecond, theirs.perSecond])
  }
  report.ratios.push(...pairedRatio(pairs, demand))
  say(`${demand}: auditing`)
  const evidence: Record<Side, Evidence> = {
    holdfast: await sides.holdfast.finish(),
    baseline: await sides.baseline.finish(),
  }
  const differing = differingRows(evidence.holdfast, evidence.baseline)
  for (const line of differing) say(`${demand}: not the same work: ${line}`)
  report.evidence[`holdfast, ${demand}`] = evidence.holdfast
  report.evidence[`baseline, ${demand}`] = evidence.baseline
  report.ratios.push(...ratiosOf(report.cells, demand))
  report.ok &&= differing.length === 0
  report.ok &&= evidence.holdfast.audit.violations === 0 && evidence.baseline.audit.violations === 0
}

async function main({ plan, demands, url, json }: Options): Promise<number> {
  const server = url === null ? await startTestPostgres({ durable: true }) : null
  try {
    const serverUrl = url ?? server?.url() ?? ''
    const machine = await machineOf(serverUrl)
    if (machine.coresUsedByOthers > disturbingCores) {
      say(`others use ${machine.coresUsedByOthers.toFixed(1)} of ${machine.cores} cores: figures will be low and noisy`)
    }
    const report: Report = { machine, secondsPerCell: plan.seconds, cells: [], ratios: [], evidence: {}, ok: true }
    for (const demand of demands) await run(demand, serverUrl, plan, report)
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : describe(report))
    return report.ok ? 0 : 1
  } finally {
    await server?.stop()
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === null) process.stdout.write(usage)
  else process.exitCode = await main(options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  say(`${error.message}\n${usage}`)
  process.exitCode = 2
}
