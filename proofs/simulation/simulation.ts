/** `npm run prove:sim`: thousands of seeds, each a schedule of several engines on one database, with faults. */
import { choice, flag, serverUrl, wholeNumber } from '../command/options.ts'
import { type ProofResult, runProof } from '../command/run-proof.ts'
import { countsByName, outOf, type SummaryRow, summary } from '../command/summary.ts'
import { withServer } from '../command/temporary.ts'
import { createProgress } from '../world/progress.ts'
import type { ProviderName } from '../world/provider.ts'
import { runJobs, workersDefault } from '../world/worker-pool.ts'
import { openWorld, type World } from '../world/world.ts'
import { everyFault } from './chaos.ts'
import { type Simulated, simulate } from './simulate.ts'
import type { SimulateJob } from './worker.ts'

export interface SimulationReport {
  firstSeed: number
  seeds: number
  /** Distinct orders of events, regardless of the times between them. */
  schedules: number
  steps: number
  checkouts: number
  faults: Record<string, number>
  faultsFired: number
  violations: number
  notConverged: number
  failed: Pick<Simulated, 'seed' | 'isConverged' | 'violations'>[]
  /** Faults that never fired although there were enough seeds, so nothing is proven about them. */
  unproven: string[]
  seconds: number
}

const failuresMax = 10
/** With this many seeds, every kind of fault must fire. */
const seedsForEvery = 2_000
const workerModule = new URL('./worker.ts', import.meta.url)
const hasFailed = ({ isConverged, violations }: Simulated) => !isConverged || violations.length > 0

interface ProveOptions {
  adminUrl: string
  firstSeed: number
  seeds: number
  workers: number
  keepsGoing: boolean
  provider: ProviderName
}

async function prove({
  adminUrl,
  firstSeed,
  seeds,
  workers,
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
  await runJobs<SimulateJob, Simulated>({
    module: workerModule,
    adminUrl,
    workers,
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
      progress.report(`${report.seeds} of ${seeds} seeds, ${report.faultsFired} faults, ${report.failed.length} failed`)
    },
  })
  progress.end()
  const failed = report.failed.map(({ seed, isConverged, violations }) => ({ seed, isConverged, violations }))
  const seconds = (performance.now() - startedAt) / 1000
  const unproven =
    report.seeds < seedsForEvery ? [] : everyFault(provider).filter(fault => report.faults[fault] === undefined)
  return { ...report, failed, unproven, schedules: schedules.size, seconds }
}

function textOf(report: SimulationReport): string {
  const rows: SummaryRow[] = [
    ['seeds', `${report.seeds}, from ${report.firstSeed}`],
    ['distinct schedules', report.schedules],
    ['steps', report.steps],
    ['checkouts', report.checkouts],
    ['faults fired', `${report.faultsFired}, ${(report.faultsFired / Math.max(report.seeds, 1)).toFixed(1)} per seed`],
    ...countsByName(report.faults),
    ['seeds with violations', outOf(report.violations, report.seeds)],
    ['seeds that did not converge', outOf(report.notConverged, report.seeds)],
    ['seconds', report.seconds.toFixed(1)],
  ]
  const wrong = [
    ...report.failed.flatMap(linesOf),
    ...report.unproven.map(fault => `nothing is proven about the fault "${fault}": it never fired`),
  ]
  return summary('Simulation', rows, wrong)
}

function linesOf({ seed, isConverged, violations }: SimulationReport['failed'][number]): string[] {
  const what = isConverged ? violations : [...violations, 'not converged']
  return [`npm run prove:sim -- --replay ${seed}`, ...what.map(each => `  ${each}`)]
}

/** Finds by bisection the fewest steps with faults with which a seed still fails. */
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
): Promise<ProofResult> {
  const world = await openWorld(adminUrl)
  try {
    if (options.shrinks) {
      const found = await shrink(world, seed, options.provider)
      if (found === null) return { text: `seed ${seed} does not fail\n`, holds: true }
      const what = found.run.violations.map(each => `  ${each}\n`).join('')
      return { text: `npm run prove:sim -- --replay ${seed} --steps ${found.stepsMax}\n${what}`, holds: false }
    }
    const run = await simulate(world, seed, options)
    return { text: `${world.trace.join('\n')}\n\n${JSON.stringify(run, null, 2)}\n`, holds: !hasFailed(run) }
  } finally {
    await world.close()
  }
}

const seedMax = 4_000_000_000

await runProof({
  command: 'npm run prove:sim --',
  options: {
    seeds: wholeNumber('N', 'number of seeds', { max: 10_000_000, fallback: 200 }),
    seed: wholeNumber('S', 'first seed (default: chosen at random)', {
      max: seedMax,
      fallback: () => 1 + Math.floor(Math.random() * 999_999_999),
    }),
    workers: wholeNumber('N', 'worker processes', { max: 64, fallback: workersDefault }),
    replay: wholeNumber('SEED', 'replay one seed and print each step', { max: seedMax, fallback: null }),
    gateway: choice('the provider of the payments', ['sandbox', 'stripe'], 'sandbox'),
    steps: wholeNumber('N', 'with --replay: end the faults after N steps', { max: 1_000_000, fallback: null }),
    shrink: wholeNumber('SEED', 'find the fewest steps with which a seed still fails', {
      max: seedMax,
      fallback: null,
    }),
    keepGoing: flag('continue after ten failed seeds'),
    url: serverUrl,
  },
  async run({ seeds, seed, workers, replay: replayed, gateway: provider, steps, shrink: shrunk, keepGoing, url }) {
    const one = shrunk ?? replayed
    return withServer<ProofResult>(url, async adminUrl => {
      if (one !== null) {
        const bounds = steps === null ? {} : { stepsMax: steps }
        return replay(adminUrl, one, { shrinks: shrunk !== null, provider, ...bounds })
      }
      const report = await prove({
        ...{ adminUrl, firstSeed: seed, seeds, workers: Math.min(workers, seeds), keepsGoing: keepGoing, provider },
      })
      return { report, text: textOf(report), holds: report.failed.length === 0 && report.unproven.length === 0 }
    })
  },
})
