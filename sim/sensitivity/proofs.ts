/** The proofs that run in a proof build, each behind one interface: did it find a violation, which, and after what. */
import { bestOf, evidenceIn, trouble } from './evidence.ts'
import { mark, type Told } from './failures-reporter.ts'
import type { Mutant, ProofChoice } from './mutant.ts'
import { type Finished, runProgram } from './run-program.ts'

export interface Verdict {
  violated: boolean
  /** What was violated, with an example; where nothing was: what broke instead, and null where nothing did. */
  said: string | null
  /** After how much: tests, schedules, rounds. */
  after: string
  seconds: number
}

export interface Proof {
  readonly name: string
  /** @throws {Inconclusive} where the proof itself could not be run. */
  run(directory: string): Promise<Verdict>
}

/** A proof that could not be run proves nothing, whatever its exit code. */
export class Inconclusive extends Error {
  override readonly name = 'Inconclusive'
}

const limitMs = 600_000
const tsx = 'node_modules/tsx/dist/cli.mjs'
const vitest = 'node_modules/vitest/vitest.mjs'

function inconclusive(name: string, { code, output, errors }: Finished): Inconclusive {
  const why = code === null ? 'took too long' : `ended with ${code}`
  return new Inconclusive(`The proof "${name}" ${why}:\n${`${output}\n${errors}`.trim().slice(-2_000)}`)
}

/** Tests of one or more files, those whose full title fits `title`. */
export function testProof(files: readonly string[], title?: string): Proof {
  const name = title === undefined ? 'the tests' : 'a test'
  const chosen = title === undefined ? [] : ['-t', title]
  return {
    name,
    async run(directory) {
      const reporter = ['--reporter=./sim/sensitivity/failures-reporter.ts']
      const finished = await runProgram(directory, [vitest, 'run', ...files, ...reporter, ...chosen], limitMs)
      const line = finished.output.split('\n').findLast(one => one.startsWith(mark))
      if (line === undefined) throw inconclusive(name, finished)
      const { passed, failures, broken } = JSON.parse(line.slice(mark.length)) as Told
      const found = bestOf(failures.map(evidenceIn))
      const first = failures[0]
      const after = passed + failures.length === 1 ? '1 test' : `${passed + failures.length} tests`
      const { seconds } = finished
      if (found !== null) return { violated: true, said: found, after, seconds }
      if (broken.length > 0 || passed + failures.length === 0) throw inconclusive(name, finished)
      return { violated: false, said: first === undefined ? null : trouble(first), after, seconds }
    },
  }
}

/** What the programs of `sim/` say of themselves as JSON. */
interface Report {
  violations?: unknown
  notConverged?: unknown
  deadlocks?: unknown
  examples?: unknown
  after?: unknown
}

const count = (value: unknown): number => (Array.isArray(value) ? value.length : typeof value === 'number' ? value : 0)

function saidBy(report: Report): string | null {
  const deadlocks = count(report.deadlocks)
  if (deadlocks > 0) return `${deadlocks} deadlocks`
  const [example] = Array.isArray(report.examples) ? report.examples : []
  const text = typeof example === 'string' ? example : JSON.stringify(example ?? null)
  if (count(report.violations) > 0) return text
  return count(report.notConverged) > 0 ? `not converged: ${text}` : null
}

/** A program of `sim/` that says what it found as JSON, and ends with 1 where it found something. */
function programProof(name: string, command: readonly string[], after: (report: Report) => string): Proof {
  return {
    name,
    async run(directory) {
      const finished = await runProgram(directory, [tsx, ...command, '--json'], limitMs)
      const report = parsed(finished)
      if (report === null || (finished.code !== 0 && finished.code !== 1)) throw inconclusive(name, finished)
      const said = saidBy(report)
      if ((said !== null) !== (finished.code === 1)) throw inconclusive(name, finished)
      return { violated: said !== null, said, after: after(report), seconds: finished.seconds }
    },
  }
}

function parsed({ output }: Finished): Report | null {
  try {
    return JSON.parse(output.slice(output.indexOf('{'))) as Report
  } catch {
    return null
  }
}

export const lockOrder: Proof = programProof('lock order', ['sim/sensitivity/lock-order.ts'], report =>
  typeof report.after === 'string' ? report.after : '',
)

export function proofOf(choice: ProofChoice): Proof {
  switch (choice.kind) {
    case 'test':
      return testProof([choice.file], choice.title)
    case 'lock order':
      return lockOrder
    case 'crash':
      return programProof('crash points', ['sim/crash.ts', '--short'], () => 'the short enumeration')
    case 'simulation': {
      const { seed, seeds } = choice
      const command = ['sim/simulate.ts', '--seeds', String(seeds), '--seed', String(seed)]
      return programProof('simulation', command, () => `${seeds} seeds from ${seed}`)
    }
    default:
      return choice satisfies never
  }
}

const suites = ['test/saga', 'test/review', 'test/engine', 'test/events']

/** All that a full run looks with, the cheapest first. */
export function allProofs(known: ProofChoice): Proof[] {
  return [proofOf(known), lockOrder, testProof(suites)]
}

/** The proofs known to find the mutants, each once; the tests among them in one go. */
export function controlProofs(mutants: readonly Mutant[]): Proof[] {
  const choices = mutants.map(({ foundBy }) => foundBy)
  const tests = choices.filter(choice => choice.kind === 'test')
  const files = [...new Set(tests.map(({ file }) => file))]
  const titles = [...new Set(tests.map(({ title }) => title))].join('|')
  const others = new Map(choices.filter(({ kind }) => kind !== 'test').map(choice => [choice.kind, choice]))
  return [...[...others.values()].map(proofOf), ...(files.length === 0 ? [] : [testProof(files, titles)])]
}
