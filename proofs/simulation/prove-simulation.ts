/** `npm run prove:sim`: thousands of seeds, each a schedule of several engines over one database, with faults. */
import { parseArgs } from 'node:util'
import { table } from '../../packages/cli/src/terminal/table.ts'
import { startTestPostgres } from '../../packages/testing/src/postgres/test-postgres.ts'
import { runProof, UsageError, wholeNumber } from '../command.ts'
import { handsDefault, withCrew } from '../world/crew.ts'
import { createProgress } from '../world/progress.ts'
import type { ProviderName } from '../world/provider.ts'
import { openWorld, type World } from '../world/world.ts'
import { everyFault } from './chaos.ts'
import { type Simulated, simulate } from './simulate.ts'
import type { SimulateJob } from './worker.ts'

const usage = `usage: npm run prove:sim -- [options]
  --seeds N       how many (default 200)
  --seed S        the first of them (default: another each time)
  --hands N       processes that work on it (default: as many as there are processors)
  --replay SEED   plays one seed and prints what happened, step by step
  --gateway NAME  sandbox (default) or stripe: who takes the payments
  --steps N       with --replay: faults end after so many steps
  --shrink SEED   looks for the fewest steps with which it still fails
  --keep-going    does not stop at the tenth seed that fails
  --url URL       a PostgreSQL server to use (superuser) instead of starting one
  --json          for programs
`

export interface SimulationReport {
  firstSeed: number
  seeds: number
  /** Different orders in which things happened, whatever the times in between. */
  schedules: number
  steps: number
  checkouts: number
  faults: Record<string, number>
  faultsFired: number
  violations: number
  notConverged: number
  failed: Pick<Simulated, 'seed' | 'isConverged' | 'violations'>[]
  /** Faults that never fired though there were seeds enough: nothing is proven of them. */
  unproven: string[]
  seconds: number
}

const failuresMax = 10
/** With so many seeds every kind of fault has to fire. */
const seedsForEvery = 2_000
const workers = new URL('./worker.ts', import.meta.url)
const hasFailed = ({ isConverged, violations }: Simulated) => !isConverged || violations.length > 0

interface ProveOptions {
  adminUrl: string
  firstSeed: number
  seeds: number
  hands: number
  keepsGoing: boolean
  provider: ProviderName
}

async function prove({
  adminUrl,
  firstSeed,
  seeds,
  hands,
  keepsGoing,
  provider,
}: ProveOptions): Promise<SimulationReport> {
  const startedAt = performance.now()
  const schedules = new Set<string>()
  const report: SimulationReport = {
    ...{ firstSeed, seeds: 0, schedules: 0, steps: 0, checkouts: 0, faults: {}, faultsFired: 0 },
    ...{ violations: 0, notConverged: 0, failed: [], unproven: [], seconds: 0 },
  }
  const progress = createProgress()
  function* jobs(): Generator<SimulateJob> {
    for (let number = 0; number < seeds; number += 1) yield { seed: firstSeed + number, stepsMax: null, provider }
  }
  await withCrew<SimulateJob, Simulated>({
    module: workers,
    adminUrl,
    hands,
    jobs: jobs(),
    isOver: () => !keepsGoing && report.failed.length >= failuresMax,
    onResult(run) {
      report.seeds += 1
      report.steps += run.steps
      report.checkouts += run.checkouts
      schedules.add(run.schedule)
      for (const [fault, count] of Object.entries(run.fired)) {
        report.faults[fault] = (report.faults[fault] ?? 0) + count
        report.faultsFired += count
      }
      if (run.violations.length > 0) report.violations += 1
      if (!run.isConverged) report.notConverged += 1
      if (hasFailed(run)) report.failed.push(run)
      progress.tell(`${report.seeds} of ${seeds} seeds, ${report.faultsFired} faults, ${report.failed.length} failed`)
    },
  })
  progress.end()
  const failed = report.failed.map(({ seed, isConverged, violations }) => ({ seed, isConverged, violations }))
  const seconds = (performance.now() - startedAt) / 1000
  const unproven =
    report.seeds < seedsForEvery ? [] : everyFault(provider).filter(fault => report.faults[fault] === undefined)
  return { ...report, failed, unproven, schedules: schedules.size, seconds }
}

function text(report: SimulationReport): string {
  const rows: [string, string][] = [
    ['seeds', `${report.seeds}, from ${report.firstSeed}`],
    ['distinct schedules', String(report.schedules)],
    ['steps', String(report.steps)],
    ['checkouts', String(report.checkouts)],
    ['faults fired', `${report.faultsFired}, ${(report.faultsFired / Math.max(report.seeds, 1)).toFixed(1)} a seed`],
    ...Object.entries(report.faults)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([fault, count]): [string, string] => [`  ${fault}`, String(count)]),
    ['seeds with violations', `${report.violations} of ${report.seeds}`],
    ['seeds that did not come to rest', `${report.notConverged} of ${report.seeds}`],
    ['seconds', report.seconds.toFixed(1)],
  ]
  const wrong = [
    ...report.failed.map(described),
    ...report.unproven.map(fault => `  nothing is proven of "${fault}": it never fired\n`),
  ]
  const verdict = wrong.length === 0 ? 'The proof holds.\n' : `The proof fails:\n${wrong.join('')}`
  return `${table({ colours: false }, ['Simulation', ''], rows, { right: [1] })}${verdict}`
}

function described({ seed, isConverged, violations }: SimulationReport['failed'][number]): string {
  const what = isConverged ? violations : [...violations, 'it did not come to rest']
  return `  npm run prove:sim -- --replay ${seed}\n${what.map(each => `    ${each}\n`).join('')}`
}

/** The fewest steps with faults after which a seed still fails, by halving. */
async function shrink(
  world: World,
  seed: number,
  provider: ProviderName,
): Promise<{ stepsMax: number; run: Simulated } | null> {
  let run = await simulate(world, seed, { provider })
  if (!hasFailed(run)) return null
  let fails = run.steps
  let holds = 0
  while (fails - holds > 1) {
    const middle = Math.floor((fails + holds) / 2)
    const tried = await simulate(world, seed, { stepsMax: middle, provider })
    if (hasFailed(tried)) {
      fails = middle
      run = tried
    } else holds = middle
  }
  return { stepsMax: fails, run }
}

async function replay(
  adminUrl: string,
  seed: number,
  options: { stepsMax?: number; shrinks: boolean; provider: ProviderName },
) {
  const world = await openWorld(adminUrl)
  try {
    if (options.shrinks) {
      const found = await shrink(world, seed, options.provider)
      if (found === null) return { text: `Seed ${seed} does not fail.\n`, holds: true }
      const what = found.run.violations.map(each => `  ${each}\n`).join('')
      return { text: `npm run prove:sim -- --replay ${seed} --steps ${found.stepsMax}\n${what}`, holds: false }
    }
    const run = await simulate(world, seed, options)
    return { text: `${world.trace.join('\n')}\n\n${JSON.stringify(run, null, 2)}\n`, holds: !hasFailed(run) }
  } finally {
    await world.close()
  }
}

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      hands: { type: 'string' },
      replay: { type: 'string' },
      gateway: { type: 'string' },
      steps: { type: 'string' },
      shrink: { type: 'string' },
      'keep-going': { type: 'boolean' },
      url: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const seedMax = 4_000_000_000
  const hands = wholeNumber('hands', values.hands, handsDefault, 64)
  const seeds = wholeNumber('seeds', values.seeds, 200, 10_000_000)
  const firstSeed = wholeNumber('seed', values.seed, 1 + Math.floor(Math.random() * 999_999_999), seedMax)
  const stepsMax = values.steps === undefined ? undefined : wholeNumber('steps', values.steps, 1, 1_000_000)
  const provider = values.gateway ?? 'sandbox'
  if (provider !== 'sandbox' && provider !== 'stripe') {
    throw new UsageError(`--gateway is sandbox or stripe, not "${provider}".`)
  }
  const one = values.shrink ?? values.replay
  const oneSeed =
    one === undefined ? null : wholeNumber(values.shrink === undefined ? 'replay' : 'shrink', one, 1, seedMax)
  const server = values.url === undefined ? await startTestPostgres() : null
  const adminUrl = values.url ?? server?.url() ?? ''
  try {
    if (oneSeed !== null) {
      const shrinks = values.shrink !== undefined
      return await replay(adminUrl, oneSeed, { shrinks, provider, ...(stepsMax === undefined ? {} : { stepsMax }) })
    }
    const keepsGoing = values['keep-going'] === true
    const report = await prove({ adminUrl, firstSeed, seeds, hands: Math.min(hands, seeds), keepsGoing, provider })
    return {
      text: values.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report),
      holds: report.failed.length === 0 && report.unproven.length === 0,
    }
  } finally {
    await server?.stop()
  }
})
