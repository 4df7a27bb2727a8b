/** `npm run prove:crash`: a process dies at every point of every scenario, and at every pair of points. */
import { table } from '../../packages/cli/src/terminal/table.ts'
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import { flag, serverUrl, text, UsageError, wholeNumber } from '../command/options.ts'
import { type ProofResult, runProof } from '../command/run-proof.ts'
import { verdict } from '../command/summary.ts'
import { withServer } from '../command/temporary.ts'
import { createProgress } from '../world/progress.ts'
import { runJobs, workersDefault } from '../world/worker-pool.ts'
import { openWorld } from '../world/world.ts'
import { add, type Finding, nothing, type Tally } from './enumerate.ts'
import { matrix } from './matrix.ts'
import { type Crash, play } from './play.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import type { CrashJob, CrashResult } from './worker.ts'

export interface CrashReport {
  scenarios: ({ scenario: string; points: number } & Tally)[]
  played: number
  violations: number
  notConverged: number
  seconds: number
}

const workerModule = new URL('./worker.ts', import.meta.url)

async function prove(adminUrl: string, chosen: readonly Scenario[], workers: number, pairEvery: number) {
  const startedAt = performance.now()
  const rows = new Map(chosen.map(({ name }) => [name, { points: [] as CrashPoint[], tally: nothing() }]))
  const progress = createProgress()
  async function work(jobs: readonly CrashJob[]): Promise<void> {
    let done = 0
    await runJobs<CrashJob, CrashResult>({
      module: workerModule,
      adminUrl,
      workers: Math.min(workers, jobs.length),
      jobs,
      onResult({ points, tally }, job) {
        const row = rows.get(job.scenario)
        if (row === undefined) return
        row.points.push(...points)
        add(row.tally, tally)
        done += 1
        const found = [...rows.values()].reduce((sum, each) => sum + each.tally.findings.length, 0)
        progress.report(`${job.scenario}: ${done} of ${jobs.length} points, ${found} findings`)
      },
    })
  }
  const all = { pairEvery }
  await work(chosen.map(({ name }) => ({ scenario: name, point: null, ...all })))
  await work([...rows].flatMap(([scenario, { points }]) => points.map(point => ({ scenario, point, ...all }))))
  progress.end()
  const listed = [...rows].map(([scenario, { points, tally }]) => ({ scenario, points: points.length, ...tally }))
  const sum = (of: (row: Tally) => number) => listed.reduce((total, row) => total + of(row), 0)
  return {
    scenarios: listed,
    played: listed.length + sum(row => row.singles + row.pairs),
    violations: sum(row => row.violations),
    notConverged: sum(row => row.notConverged),
    seconds: (performance.now() - startedAt) / 1000,
  } satisfies CrashReport
}

const nameOf = ({ scenario, deaths, first }: Crash) => [scenario, first, ...deaths].join('|')

function textOf(report: CrashReport): string {
  const rows = [
    ...report.scenarios,
    {
      scenario: 'all',
      points: report.scenarios.reduce((sum, row) => sum + row.points, 0),
      singles: report.scenarios.reduce((sum, row) => sum + row.singles, 0),
      pairs: report.scenarios.reduce((sum, row) => sum + row.pairs, 0),
      violations: report.violations,
      notConverged: report.notConverged,
    },
  ].map(row =>
    [row.scenario, row.points, row.singles, row.pairs, row.violations, row.notConverged].map(cell => String(cell)),
  )
  const columns = ['scenario', 'points', 'singles', 'pairs', 'violations', 'not converged']
  const findings = report.scenarios.flatMap(row => row.findings)
  const end =
    findings.length === 0
      ? `The proof holds: 0 violations in ${report.played} runs, ${report.seconds.toFixed(1)} s.\n`
      : verdict(findings.slice(0, 20).flatMap(linesOf))
  return `${table({ colours: false }, columns, rows, { right: [1, 2, 3, 4, 5] })}${end}`
}

const linesOf = ({ crash, what }: Finding): string[] => [
  `npm run prove:crash -- --replay '${nameOf(crash)}'`,
  ...what.map(each => `  ${each}`),
]

async function replay(adminUrl: string, name: string): Promise<ProofResult> {
  const [title, first, ...deaths] = name.split('|')
  const scenario = scenarios.find(each => each.name === title)
  if (scenario === undefined || (first !== 'recovery' && first !== 'buyer')) {
    throw new UsageError(
      `--replay must be SCENARIO|recovery or buyer|POINT|…, as printed with a finding, not "${name}"`,
    )
  }
  const world = await openWorld(adminUrl)
  try {
    const crash: Crash = { scenario: scenario.name, first, deaths: deaths as CrashPoint[] }
    const { isConverged, violations } = await play(world, scenario, crash)
    const holds = isConverged && violations.length === 0
    const end = holds ? 'no violation' : `${isConverged ? '' : 'not converged\n'}${violations.join('\n')}`
    return { text: `${world.trace.join('\n')}\n\n${end}\n`, holds }
  } finally {
    await world.close()
  }
}

/** The scenarios of the matrix, each with the token of the buyer who pays again. */
const matrixScenarios = [
  ['simple purchase', 'tok_approve'],
  ['capture refused', 'tok_capture_decline'],
] as const

async function matrices(adminUrl: string): Promise<ProofResult> {
  const world = await openWorld(adminUrl)
  try {
    let text = ''
    for (const [name, token] of matrixScenarios) {
      const scenario = scenarios.find(each => each.name === name)
      if (scenario === undefined) throw new Error(`unknown scenario "${name}"`)
      text += `\n### ${name}\n\n| killed | the shop then | answer to a buyer who pays again at once | the end |\n|---|---|---|---|\n`
      for (const row of await matrix(world, scenario, token)) {
        text += `| \`${row.point}\` | ${row.shop} | ${row.buyer} | ${row.end} |\n`
      }
    }
    return { text, holds: true }
  } finally {
    await world.close()
  }
}

/** Scenarios whose name contains `part`. @throws {UsageError} if there are none. */
function scenariosNamed(part: string): Scenario[] {
  const chosen = scenarios.filter(({ name }) => name.includes(part))
  if (chosen.length > 0) return chosen
  const known = scenarios.map(({ name }) => name).join(', ')
  throw new UsageError(`unknown scenario "${part}"; known scenarios: ${known}`)
}

await runProof({
  command: 'npm run prove:crash --',
  options: {
    scenario: text('NAME', 'only the scenarios whose name contains NAME'),
    short: flag('every point, but only one of sixty pairs'),
    workers: wholeNumber('N', 'worker processes', { max: 64, fallback: workersDefault }),
    replay: text('CRASH', 'replay one crash, as printed with a finding, and print what happened'),
    matrix: flag('print what shop and buyer see after a crash at each point, as Markdown'),
    url: serverUrl,
  },
  async run({ scenario, short, workers, replay: name, matrix: printsMatrix, url }) {
    const chosen = scenariosNamed(scenario ?? '')
    return withServer<ProofResult>(url, async adminUrl => {
      if (name !== null) return replay(adminUrl, name)
      if (printsMatrix) return matrices(adminUrl)
      const report = await prove(adminUrl, chosen, workers, short ? 60 : 1)
      return { report, text: textOf(report), holds: report.violations + report.notConverged === 0 }
    })
  },
})
