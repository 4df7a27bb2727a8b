/** `npm run prove:model`: the protocol of a checkout as a model, every state of it visited. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { table } from '../../packages/cli/src/terminal/table.ts'
import { runProof } from '../command.ts'
import { explore, type Found, modelFile, whatIsMissing } from './explore.ts'
import { type Configuration, configurations, type Defence, defences } from './variants.ts'

const usage = `usage: npm run prove:model -- [options]
  --short         fewer configurations, as in CI
  --long          one more, with three workers
  --sensitivity   switches each defence off in turn instead: every one must be missed
  --trail         with --sensitivity: what happened on the way to each violation
  --json          for programs
`

interface Run<About> extends Omit<Found, 'statements'> {
  about: About
}

type Size = 'short' | 'default' | 'long'

interface Held {
  size: Size
  runs: Run<Configuration>[]
  /** Statements that no configuration ran, by their lines. */
  unreached: { line: number; text: string }[]
  seconds: number
}

const shown = (count: number) => count.toLocaleString('en')
const colours = { colours: false }

function wanted(size: Size): Configuration[] {
  return configurations.filter(
    ({ when }) => when === 'always' || size === 'long' || (size === 'default' && when !== 'long'),
  )
}

async function hold(size: Size): Promise<Held> {
  const startedAt = performance.now()
  const runs: Run<Configuration>[] = []
  const known = new Map<string, { line: number; isReached: boolean }>()
  for (const about of wanted(size)) {
    const { statements, ...found } = await explore({ ...about, isShortest: false })
    runs.push({ about, ...found })
    for (const { line, text, isReached } of statements) {
      const key = `${line} ${text}`
      known.set(key, { line, isReached: isReached || known.get(key)?.isReached === true })
    }
  }
  const source = readFileSync(modelFile, 'utf8').split('\n')
  const lines = new Set([...known.values()].flatMap(({ line, isReached }) => (isReached ? [] : [line])))
  const unreached = [...lines].toSorted((a, b) => a - b).map(line => ({ line, text: source[line - 1]?.trim() ?? '' }))
  return { size, runs, unreached, seconds: (performance.now() - startedAt) / 1_000 }
}

function story({ about, violated, trail }: Run<{ name: string }>): string {
  return `\n${about.name}: ${violated} is violated\n${trail.map(line => `  ${line}\n`).join('')}`
}

/** Explored to the end; and, but for the short form, all of the model: what is never reached is not proven. */
function holdsAll({ runs, unreached, size }: Held): boolean {
  return runs.every(({ isComplete }) => isComplete) && (size === 'short' || unreached.length === 0)
}

function textOf(held: Held): string {
  const { runs, unreached, seconds } = held
  const head = ['Configuration', 'States', 'Transitions', 'Depth', 'Errors', 'Seconds', 'MB', 'To the end']
  const rows = runs.map(({ about, states, transitions, depth, errors, seconds: took, memoryMb, isComplete }) => [
    ...[about.name, shown(states), shown(transitions), shown(depth), String(errors)],
    ...[took.toFixed(1), memoryMb.toFixed(0), isComplete ? 'yes' : 'NO'],
  ])
  const all = runs.reduce((sum, { states }) => sum + states, 0)
  const reached =
    unreached.length === 0
      ? 'Every statement of the model was reached.\n'
      : `Never reached in any of these:\n${unreached.map(({ line, text }) => `  ${line}: ${text}\n`).join('')}`
  const wrong = runs.filter(({ errors }) => errors > 0)
  const verdict = holdsAll(held) ? 'The proof holds.\n' : 'The proof fails.\n'
  return `${table(colours, head, rows, { right: [1, 2, 3, 4, 5, 6] })}
${shown(all)} states in ${seconds.toFixed(0)} s, compiling included.
${reached}${wrong.map(story).join('')}${verdict}`
}

async function miss(): Promise<Run<Defence>[]> {
  const runs: Run<Defence>[] = []
  for (const about of defences) {
    const isLive = about.isLive === true
    const { statements: _, ...found } = await explore({ switches: about.switches, isLive, isShortest: !isLive })
    runs.push({ about, ...found })
  }
  return runs
}

const isMissed = ({ about, violated }: Run<Defence>) => violated === about.violates

function missedText(runs: readonly Run<Defence>[], withTrails: boolean): string {
  const head = ['Switched off', 'Switch', 'Violated', 'Depth', 'Steps', 'States seen', 'Detected']
  const rows = runs.map(run => [
    ...[run.about.name, run.about.switches.at(-1) ?? '', run.violated ?? 'nothing', shown(run.depth)],
    ...[String(run.trail.length), shown(run.states), isMissed(run) ? 'yes' : 'NO'],
  ])
  const found = runs.filter(isMissed).length
  const trails = withTrails ? `${runs.map(story).join('')}\n` : ''
  const verdict = found === runs.length ? 'The proof holds.' : 'The proof fails.'
  return `${table(colours, head, rows, { right: [3, 4, 5] })}\n${trails}${found} of ${runs.length} defences detected.\n${verdict}\n`
}

async function main(): Promise<{ text: string; holds: boolean }> {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean' },
      long: { type: 'boolean' },
      sensitivity: { type: 'boolean' },
      trail: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const asJson = (report: unknown) => `${JSON.stringify(report, null, 2)}\n`
  if (values.sensitivity === true) {
    const runs = await miss()
    return {
      text: values.json === true ? asJson(runs) : missedText(runs, values.trail === true),
      holds: runs.every(isMissed),
    }
  }
  const report = await hold(values.short === true ? 'short' : values.long === true ? 'long' : 'default')
  return {
    text: values.json === true ? asJson(report) : textOf(report),
    holds: holdsAll(report),
  }
}

const missing = process.argv.includes('--help') ? null : await whatIsMissing()
if (missing === null) await runProof(usage, main)
else {
  process.stderr.write(`${missing}\n`)
  process.exitCode = 2
}
