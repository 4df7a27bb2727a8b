/**
 * `npm run bench`: complete checkouts per second, in process on PostgreSQL with fsync on, compared with a hand-written
 * chain of transactions in the same run. Both sides are audited at the end.
 */
import { availableParallelism, cpus } from 'node:os'
import pg from 'pg'
import { choice, decimal, flag, serverUrl } from '../proofs/command/options.ts'
import { runProof } from '../proofs/command/run-proof.ts'
import { withServer } from '../proofs/command/temporary.ts'
import { type Contestant, type Evidence, openContestant, type Side } from './contestants.ts'
import { coresInUse } from './cores-in-use.ts'
import { drive } from './load.ts'
import { type CellPlan, ours, type Plan, planOf } from './plan.ts'
import { type Cell, describe, differingRows, type Machine, pairedRatio, type Report, ratiosOf } from './report.ts'
import { cartMaker, type Demand } from './shop.ts'

const demands: readonly Demand[] = ['uniform', 'hot']

/** From this load by other processes on, the results are disturbed. */
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

/** Measures both sides in alternation with one kind of demand, and adds the results to the report. */
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
  for (const line of differing) say(`${demand}: different work: ${line}`)
  report.evidence[`holdfast, ${demand}`] = evidence.holdfast
  report.evidence[`baseline, ${demand}`] = evidence.baseline
  report.ratios.push(...ratiosOf(report.cells, demand))
  report.ok &&= differing.length === 0
  report.ok &&= evidence.holdfast.audit.violations === 0 && evidence.baseline.audit.violations === 0
}

await runProof({
  command: 'npm run bench --',
  options: {
    seconds: decimal('N', 'seconds measured per cell, after a warm-up (default 6; 1.5 with --short)', {
      ...{ min: 0.01, max: 600, fallback: null },
    }),
    only: choice('one kind of demand only', ['uniform', 'hot'], null),
    short: flag('fewer and shorter cells, for a quick look'),
    url: serverUrl,
  },
  async run({ seconds, only, short, url }) {
    const plan = planOf({ short, seconds })
    return withServer(
      url,
      async serverUrl => {
        const machine = await machineOf(serverUrl)
        const { cores, coresUsedByOthers } = machine
        if (coresUsedByOthers > disturbingCores) {
          say(`other processes use ${coresUsedByOthers.toFixed(1)} of ${cores} cores: results will be low and noisy`)
        }
        const report: Report = { machine, secondsPerCell: plan.seconds, cells: [], ratios: [], evidence: {}, ok: true }
        for (const demand of only === null ? demands : [only]) await run(demand, serverUrl, plan, report)
        return { report, text: describe(report), holds: report.ok }
      },
      { durable: true },
    )
  },
})
