/** The proofs that run in a proof build, behind one interface: whether they found a violation, which, and after how much. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { bestOf, breakage, evidenceIn, evidenceOf, short } from './evidence.ts'
import { mark, type ReportedFailures } from './failures-reporter.ts'
import type { Mutant, ProofChoice } from './mutant.ts'
import { root } from './proof-build.ts'
import { type Finished, runProgram } from './run-program.ts'

export interface Verdict {
  violated: boolean
  /** The violation with an example. Without a violation: the error of what broke, or null. */
  said: string | null
  /** The amount of work: tests, schedules, rounds. */
  after: string
  seconds: number
}

export interface Proof {
  readonly name: string
  /** @throws {Inconclusive} if the proof could not run. */
  run(directory: string): Promise<Verdict>
}

/** A proof that could not run. Its exit code proves nothing. */
export class Inconclusive extends Error {
  override readonly name = 'Inconclusive'
}

const limitMs = 1_200_000
/** The path of a source file in a proof build. */
const inBuild = (file: URL) => path.relative(root, fileURLToPath(file))
const reporterUrl = new URL('./failures-reporter.ts', import.meta.url)
const tsx = 'node_modules/tsx/dist/cli.mjs'
const vitest = 'node_modules/vitest/vitest.mjs'

function inconclusive(name: string, { code, output, errors }: Finished): Inconclusive {
  const why = code === null ? 'took too long' : `ended with ${code}`
  return new Inconclusive(`the proof "${name}" ${why}:\n${`${output}\n${errors}`.trim().slice(-2_000)}`)
}

/** Runs the tests of one or more files whose full title matches `title`. */
function testProof(name: string, files: readonly string[], title?: string): Proof {
  const chosen = title === undefined ? [] : ['-t', title]
  return {
    name,
    async run(directory) {
      const reporter = [`--reporter=./${inBuild(reporterUrl)}`]
      const finished = await runProgram(directory, [vitest, 'run', ...files, ...reporter, ...chosen], limitMs)
      const line = finished.output.split('\n').findLast(one => one.startsWith(mark))
      if (line === undefined) throw inconclusive(name, finished)
      const { passed, failures, broken } = JSON.parse(line.slice(mark.length)) as ReportedFailures
      const ran = passed + new Set(failures.map(({ test }) => test)).size
      const after = ran === 1 ? '1 test' : `${ran} tests`
      const { seconds } = finished
      const found = bestOf(failures.map(evidenceIn))
      if (found !== null) return { violated: true, said: found, after, seconds }
      if (broken.length > 0 || ran === 0) throw inconclusive(name, finished)
      const [first] = failures
      return { violated: false, said: first === undefined ? null : breakage(first), after, seconds }
    },
  }
}

/** The findings of a program and the amount of its work. */
interface Found {
  lines: string[]
  after: string
}

/** Runs a program that reports findings as JSON and exits with 1 if there are any. */
function programProof<Report>(name: string, command: readonly string[], read: (report: Report) => Found): Proof {
  return {
    name,
    async run(directory) {
      const finished = await runProgram(directory, [tsx, ...command, '--json'], limitMs)
      const report = parsed<Report>(finished)
      if (report === null || (finished.code !== 0 && finished.code !== 1)) throw inconclusive(name, finished)
      const { lines, after } = read(report)
      if (lines.length > 0 !== (finished.code === 1)) throw inconclusive(name, finished)
      const found = bestOf(lines.map(evidenceOf))
      const [first] = lines
      const said = found ?? (first === undefined ? null : short(first))
      return { violated: found !== null, said, after, seconds: finished.seconds }
    },
  }
}

function parsed<Report>({ output }: Finished): Report | null {
  try {
    return JSON.parse(output.slice(output.indexOf('{'))) as Report
  } catch {
    return null
  }
}

const notConverged = 'not converged'

const lockOrder = programProof<{ deadlocks: number; after: string }>(
  'lock order',
  [inBuild(new URL('./lock-order.ts', import.meta.url))],
  ({ deadlocks, after }) => ({ lines: deadlocks > 0 ? [`deadlocks: ${deadlocks}`] : [], after }),
)

interface Crashed {
  scenarios: { findings: { what: string[] }[] }[]
  played: number
}

/** All crash points of the scenarios whose name contains `scenario`, and a sample of the pairs. */
const crashPoints = (scenario: string): Proof =>
  programProof<Crashed>(
    'crash points',
    ['proofs/crash/crash.ts', '--short', '--workers', '2', '--scenario', scenario],
    ({ scenarios, played }) => ({
      lines: scenarios.flatMap(({ findings }) => findings.flatMap(({ what }) => what)),
      after: `${played} crashes`,
    }),
  )

interface Simulated {
  failed: { seed: number; isConverged: boolean; violations: string[] }[]
  seeds: number
}

const simulation = (seed: number, seeds: number): Proof =>
  programProof<Simulated>(
    'simulation',
    ['proofs/simulation/simulation.ts', '--workers', '2', '--seeds', String(seeds), '--seed', String(seed)],
    report => ({
      lines: report.failed.flatMap(run => (run.isConverged ? run.violations : [...run.violations, notConverged])),
      after: `${report.seeds} seeds from ${seed}`,
    }),
  )

export function proofOf(choice: ProofChoice): Proof {
  switch (choice.kind) {
    case 'test':
      return testProof('a test', [choice.file], choice.title)
    case 'lock order':
      return lockOrder
    default:
      return choice satisfies never
  }
}

const suites = ['saga', 'phases', 'engine', 'events', 'payments/webhooks'].map(
  folder => `packages/holdfast/test/${folder}`,
)
/** Seeds of the simulation per mutant. */
const seeds = 30
/** The scenarios of the crash proof per mutant: in those with late events, checkouts stay in each state for a while. */
const scenarios = 'late'

/** All proofs of a full run, the cheapest first. */
export function allProofs(known: ProofChoice): Proof[] {
  const others = [lockOrder, simulation(1, seeds), crashPoints(scenarios), testProof('the tests', suites)]
  const first = proofOf(known)
  return [first, ...others.filter(({ name }) => name !== first.name)]
}

/** The proofs that are known to find the mutants, without duplicates; all tests in one run. */
export function controlProofs(mutants: readonly Mutant[]): Proof[] {
  const choices = mutants.map(({ foundBy }) => foundBy)
  const tests = choices.filter(choice => choice.kind === 'test')
  const files = [...new Set(tests.map(({ file }) => file))]
  const titles = [...new Set(tests.map(({ title }) => title))].join('|')
  const others = new Map(choices.filter(({ kind }) => kind !== 'test').map(choice => [choice.kind, choice]))
  return [...[...others.values()].map(proofOf), ...(files.length === 0 ? [] : [testProof('the tests', files, titles)])]
}
