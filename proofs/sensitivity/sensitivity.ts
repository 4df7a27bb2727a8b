/** `npm run prove:sensitivity`: each defence of the engine is switched off in turn, and each time a proof must find it. */
import { parseArgs } from 'node:util'
import { table } from '../../packages/cli/src/terminal/table.ts'
import { each } from '../buyers/crowd.ts'
import { runProof, UsageError, wholeNumber } from '../command.ts'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'
import { allProofs, controlProofs, proofOf } from './proofs.ts'
import { type Finding, look, type Result, shown, switchOff } from './switch-off.ts'

const usage = `usage: npm run prove:sensitivity -- [options]
  --only NAME     one defence, by its name
  --part K/N      the K-th of N equal parts of them, every N-th one
  --short         each with the one proof that is known to find it, as in CI; what is backed, with its backing alone
  --every         every proof looks at each, not only until one finds it
  --jobs N        proof builds at once (default 2)
  --json          for programs
  the defences: ${mutants.map(({ name }) => name).join(', ')}
`

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
      ? [name, 'not looked at', `alone it is held by ${heldBy}`, '', '']
      : [
          name,
          'alone: held',
          `by ${heldBy}${alone.said === null ? '' : ` (${alone.said})`}`,
          alone.after,
          seconds(alone.seconds),
        ]
  return [[...held, ''], ...(together === null ? [] : [[`  with ${heldBy} off too`, ...found(together), verdict]])]
}

function text({ control, results, seconds: took }: Report): string {
  const head = ['Switched off', 'Found by', 'What it said', 'After', 'Seconds', 'Detected']
  const widths = { 0: 26, 1: 13, 2: 76, 3: 22 }
  const missed = results.filter(({ detected }) => !detected)
  const nothing = ['nothing (the control)', control.foundBy ?? 'no proof', control.said ?? 'nothing', control.after]
  const rows = [[...nothing, seconds(control.seconds), ''], ...results.flatMap(rowsOf)]
  const verdict =
    missed.length === 0 && !control.violated
      ? 'The proof holds.'
      : `The proof fails: ${control.violated ? 'the control is not clean' : missed.map(({ name }) => name).join(', ')}.`
  const sum = `${results.length - missed.length} of ${results.length} defences detected, in ${seconds(took)} s.`
  return `${table({ colours: false }, head, rows, { right: [4], widths })}\n${sum}\n${verdict}\n`
}

/** "2/3": every third, from the second. */
function partOf(given: string): readonly Mutant[] {
  const [, k = '', n = ''] = /^(\d{1,2})\/(\d{1,2})$/.exec(given) ?? []
  const [part, parts] = [Number(k), Number(n)]
  if (part < 1 || part > parts || parts > mutants.length) throw new UsageError('--part is K/N, like 1/2.')
  return mutants.filter((_, index) => index % parts === part - 1)
}

function chosen({ only, part }: { only?: string | undefined; part?: string | undefined }): readonly Mutant[] {
  if (part !== undefined) return partOf(part)
  if (only === undefined) return mutants
  const found = mutants.filter(({ name }) => name === only)
  if (found.length === 0) throw new UsageError(`There is no defence "${only}".`)
  return found
}

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      part: { type: 'string' },
      short: { type: 'boolean' },
      every: { type: 'boolean' },
      jobs: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const jobs = wholeNumber('jobs', values.jobs, 2, 16)
  const tried = chosen(values)
  const startedAt = performance.now()
  let done = 0
  const tell = (line: string) => process.stderr.write(`${String(done).padStart(3)} of ${tried.length + 1}  ${line}\n`)

  const control = await look([], controlProofs(tried))
  done += 1
  tell(`control: ${control.said ?? 'no violation'} (${seconds(control.seconds)} s)`)
  const results = await each(tried, jobs, async mutant => {
    const isShort = values.short === true
    const proofs = isShort ? [proofOf(mutant.foundBy)] : allProofs(mutant.foundBy)
    const result = await switchOff(mutant, { proofs, looksOn: values.every === true, onlyTogether: isShort })
    done += 1
    tell(shown(result))
    return result
  })
  const report: Report = { control, results, seconds: (performance.now() - startedAt) / 1_000 }
  return {
    text: values.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report),
    holds: !control.violated && results.every(({ detected }) => detected),
  }
})
