/** `npm run prove:sensitivity`: removes each defence of the engine in turn; each time a proof must find a violation. */
import { table } from '../../packages/cli/src/terminal/table.ts'
import { mapInParallel } from '../buyers/in-parallel.ts'
import { flag, text, UsageError, wholeNumber } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { verdict } from '../command/summary.ts'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'
import { allProofs, controlProofs, proofOf } from './proofs.ts'
import { type Finding, look, type Result, shown, switchOff } from './switch-off.ts'

interface Report {
  control: Finding
  results: Result[]
  seconds: number
}

const seconds = (value: number) => value.toFixed(1)

function rowsOf({ name, alone, heldBy, together, detected }: Result): string[][] {
  const verdict = detected ? 'yes' : 'NO'
  const found = ({ foundBy, said, after, seconds: took }: Finding) => [
    foundBy ?? 'no proof',
    said ?? 'nothing',
    after,
    seconds(took),
  ]
  if (alone !== null && heldBy === null) return [[name, ...found(alone), verdict]]
  const held =
    alone === null
      ? [name, 'not tried alone', `compensated by ${heldBy}`, '', '']
      : [
          name,
          'alone: compensated',
          `by ${heldBy}${alone.said === null ? '' : ` (${alone.said})`}`,
          alone.after,
          seconds(alone.seconds),
        ]
  return [[...held, ''], ...(together === null ? [] : [[`  also without ${heldBy}`, ...found(together), verdict]])]
}

function textOf({ control, results, seconds: took }: Report): string {
  const head = ['Switched off', 'Found by', 'Violation', 'After', 'Seconds', 'Detected']
  const widths = { 0: 26, 1: 13, 2: 76, 3: 22 }
  const missed = results.filter(({ detected }) => !detected)
  const nothing = ['nothing (the control)', control.foundBy ?? 'no proof', control.said ?? 'nothing', control.after]
  const rows = [[...nothing, seconds(control.seconds), ''], ...results.flatMap(rowsOf)]
  const failures = control.violated
    ? ['the control run has a violation']
    : missed.map(({ name }) => `not detected: ${name}`)
  const sum = `${results.length - missed.length} of ${results.length} defences detected, in ${seconds(took)} s.`
  return `${table({ colours: false }, head, rows, { right: [4], widths })}\n${sum}\n${verdict(failures)}`
}

/** Every N-th mutant, starting with the K-th. */
function partOf(given: string): readonly Mutant[] {
  const [, k = '', n = ''] = /^(\d{1,2})\/(\d{1,2})$/.exec(given) ?? []
  const [part, parts] = [Number(k), Number(n)]
  if (part < 1 || part > parts || parts > mutants.length)
    throw new UsageError(`--part must be K/N, such as 1/2, not "${given}"`)
  return mutants.filter((_, index) => index % parts === part - 1)
}

function chosen(only: string | null, part: string | null): readonly Mutant[] {
  if (part !== null) return partOf(part)
  if (only === null) return mutants
  const found = mutants.filter(({ name }) => name === only)
  if (found.length === 0)
    throw new UsageError(`unknown defence "${only}"; known defences: ${mutants.map(({ name }) => name).join(', ')}`)
  return found
}

await runProof({
  command: 'npm run prove:sensitivity --',
  options: {
    only: text('NAME', 'only one defence'),
    part: text('K/N', 'the K-th of N equal parts of the defences'),
    short: flag('only the proof that is known to find the violation, as in CI; with its backing, if there is one'),
    every: flag('run every proof on each defence instead of stopping at the first violation'),
    jobs: wholeNumber('N', 'concurrent proof builds', { max: 16, fallback: 2 }),
  },
  async run({ only, part, short, every, jobs }) {
    const tried = chosen(only, part)
    const startedAt = performance.now()
    let done = 0
    const progress = (line: string) =>
      process.stderr.write(`${String(done).padStart(3)} of ${tried.length + 1}  ${line}\n`)

    const control = await look([], controlProofs(tried))
    done += 1
    progress(`control: ${control.said ?? 'no violation'} (${seconds(control.seconds)} s)`)
    const results = await mapInParallel(tried, jobs, async mutant => {
      const proofs = short ? [proofOf(mutant.foundBy)] : allProofs(mutant.foundBy)
      const result = await switchOff(mutant, { proofs, runsAll: every, onlyTogether: short })
      done += 1
      progress(shown(result))
      return result
    })
    const report: Report = { control, results, seconds: (performance.now() - startedAt) / 1_000 }
    return { report, text: textOf(report), holds: !control.violated && results.every(({ detected }) => detected) }
  },
})
