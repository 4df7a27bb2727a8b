/** `npm run prove:crash`: a process dies at every point of every scenario, and at every pair of points. */
import { parseArgs } from 'node:util'
import { table } from '../../packages/cli/src/terminal/table.ts'
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import { startTestPostgres } from '../../packages/testing/src/postgres/test-postgres.ts'
import { runProof, UsageError, wholeNumber } from '../command.ts'
import { handsDefault, withCrew } from '../world/crew.ts'
import { createProgress } from '../world/progress.ts'
import { openWorld } from '../world/world.ts'
import { add, type Finding, nothing, type Tally } from './enumerate.ts'
import { matrix } from './matrix.ts'
import { type Crash, play } from './play.ts'
import { scenarios } from './scenarios.ts'
import type { Scenario } from './story.ts'
import type { CrashJob, CrashResult } from './worker.ts'

const usage = `usage: npm run prove:crash -- [options]
  --scenario NAME  only those whose name contains it
  --short          every point, and one pair of sixty
  --hands N        processes that work on it (default: as many as there are processors)
  --replay CRASH   plays one crash as a finding names it, and prints what happened
  --matrix         what shop and buyer see after a crash at each point, as Markdown
  --url URL        a PostgreSQL server to use (superuser) instead of starting one
  --json           for programs
`

export interface CrashReport {
  scenarios: ({ scenario: string; points: number } & Tally)[]
  played: number
  violations: number
  notConverged: number
  seconds: number
}

const workers = new URL('./worker.ts', import.meta.url)

async function prove(adminUrl: string, chosen: readonly Scenario[], hands: number, pairEvery: number) {
  const startedAt = performance.now()
  const rows = new Map(chosen.map(({ name }) => [name, { points: [] as CrashPoint[], tally: nothing() }]))
  const progress = createProgress()
  async function work(jobs: readonly CrashJob[]): Promise<void> {
    let done = 0
    await withCrew<CrashJob, CrashResult>({
      module: workers,
      adminUrl,
      hands: Math.min(hands, jobs.length),
      jobs,
      onResult({ points, tally }, job) {
        const row = rows.get(job.scenario)
        if (row === undefined) return
        row.points.push(...points)
        add(row.tally, tally)
        done += 1
        const found = [...rows.values()].reduce((sum, each) => sum + each.tally.findings.length, 0)
        progress.tell(`${job.scenario}: ${done} of ${jobs.length} points, ${found} findings`)
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

function text(report: CrashReport): string {
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
  const verdict =
    findings.length === 0
      ? `The proof holds: 0 violations in ${report.played} runs, ${report.seconds.toFixed(1)} s.\n`
      : `The proof fails:\n${findings.slice(0, 20).map(described).join('')}`
  return `${table({ colours: false }, columns, rows, { right: [1, 2, 3, 4, 5] })}${verdict}`
}

function described({ crash, what }: Finding): string {
  return `  npm run prove:crash -- --replay '${nameOf(crash)}'\n${what.map(each => `    ${each}\n`).join('')}`
}

async function replay(adminUrl: string, name: string): Promise<{ text: string; holds: boolean }> {
  const [title, first, ...deaths] = name.split('|')
  const scenario = scenarios.find(each => each.name === title)
  if (scenario === undefined || (first !== 'recovery' && first !== 'buyer')) {
    throw new UsageError(`--replay takes SCENARIO|recovery or buyer|POINT|…, as findings do; this is "${name}".`)
  }
  const world = await openWorld(adminUrl)
  try {
    const crash: Crash = { scenario: scenario.name, first, deaths: deaths as CrashPoint[] }
    const { isConverged, violations } = await play(world, scenario, crash)
    const holds = isConverged && violations.length === 0
    const end = holds ? 'nothing is wrong' : `${isConverged ? '' : 'it did not come to rest\n'}${violations.join('\n')}`
    return { text: `${world.trace.join('\n')}\n\n${end}\n`, holds }
  } finally {
    await world.close()
  }
}

const inTheMatrix = [
  ['simple purchase', 'tok_approve'],
  ['capture refused', 'tok_capture_decline'],
] as const

async function matrices(adminUrl: string): Promise<{ text: string; holds: boolean }> {
  const world = await openWorld(adminUrl)
  try {
    let text = ''
    for (const [name, token] of inTheMatrix) {
      const scenario = scenarios.find(each => each.name === name)
      if (scenario === undefined) throw new Error(`there is no scenario "${name}"`)
      text += `\n### ${name}\n\n| killed | the shop then | the buyer who pays again at once is told | the end |\n|---|---|---|---|\n`
      for (const row of await matrix(world, scenario, token)) {
        text += `| \`${row.point}\` | ${row.shop} | ${row.buyer} | ${row.end} |\n`
      }
    }
    return { text, holds: true }
  } finally {
    await world.close()
  }
}

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: {
      scenario: { type: 'string' },
      short: { type: 'boolean' },
      hands: { type: 'string' },
      replay: { type: 'string' },
      matrix: { type: 'boolean' },
      url: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const hands = wholeNumber('hands', values.hands, handsDefault, 64)
  const chosen = scenarios.filter(({ name }) => name.includes(values.scenario ?? ''))
  if (chosen.length === 0) {
    throw new UsageError(
      `--scenario: there is none of that name; there are ${scenarios.map(({ name }) => name).join(', ')}.`,
    )
  }
  const server = values.url === undefined ? await startTestPostgres() : null
  const adminUrl = values.url ?? server?.url() ?? ''
  try {
    if (values.replay !== undefined) return await replay(adminUrl, values.replay)
    if (values.matrix === true) return await matrices(adminUrl)
    const report = await prove(adminUrl, chosen, hands, values.short === true ? 60 : 1)
    const holds = report.violations + report.notConverged === 0
    return { text: values.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report), holds }
  } finally {
    await server?.stop()
  }
})
