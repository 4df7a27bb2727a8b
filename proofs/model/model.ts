/** `npm run prove:model`: explores every state of a model of the checkout protocol. */
import { readFileSync } from 'node:fs'
import { table } from '../../packages/cli/src/terminal/table.ts'
import { flag, UsageError } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { explore, type Found, missingPrograms, modelFile } from './explore.ts'
import { type Configuration, configurations, type Defence, defences } from './variants.ts'

interface Run<About> extends Omit<Found, 'statements'> {
  about: About
}

type Size = 'short' | 'default' | 'long'

interface Explored {
  size: Size
  runs: Run<Configuration>[]
  /** Statements that no configuration reached, by line. */
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

async function exploreAll(size: Size): Promise<Explored> {
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

/** All searches are complete and, except in the short form, each statement was reached: an unreached one is not proven. */
function holdsAll({ runs, unreached, size }: Explored): boolean {
  return runs.every(({ isComplete }) => isComplete) && (size === 'short' || unreached.length === 0)
}

function textOf(explored: Explored): string {
  const { runs, unreached, seconds } = explored
  const head = ['Configuration', 'States', 'Transitions', 'Depth', 'Errors', 'Seconds', 'MB', 'Complete']
  const rows = runs.map(({ about, states, transitions, depth, errors, seconds: took, memoryMb, isComplete }) => [
    ...[about.name, shown(states), shown(transitions), shown(depth), String(errors)],
    ...[took.toFixed(1), memoryMb.toFixed(0), isComplete ? 'yes' : 'NO'],
  ])
  const all = runs.reduce((sum, { states }) => sum + states, 0)
  const reached =
    unreached.length === 0
      ? 'Every statement of the model was reached.\n'
      : `Never reached in any configuration:\n${unreached.map(({ line, text }) => `  ${line}: ${text}\n`).join('')}`
  const wrong = runs.filter(({ errors }) => errors > 0)
  const verdict = holdsAll(explored) ? 'The proof holds.\n' : 'The proof fails.\n'
  return `${table(colours, head, rows, { right: [1, 2, 3, 4, 5, 6] })}
${shown(all)} states in ${seconds.toFixed(0)} s, including compilation.
${reached}${wrong.map(story).join('')}${verdict}`
}

async function switchOffEach(): Promise<Run<Defence>[]> {
  const runs: Run<Defence>[] = []
  for (const about of defences) {
    const isLive = about.isLive === true
    const { statements: _, ...found } = await explore({ switches: about.switches, isLive, isShortest: !isLive })
    runs.push({ about, ...found })
  }
  return runs
}

const isDetected = ({ about, violated }: Run<Defence>) => violated === about.violates

function sensitivityText(runs: readonly Run<Defence>[], withTrails: boolean): string {
  const head = ['Switched off', 'Switch', 'Violated', 'Depth', 'Steps', 'States seen', 'Detected']
  const rows = runs.map(run => [
    ...[run.about.name, run.about.switches.at(-1) ?? '', run.violated ?? 'nothing', shown(run.depth)],
    ...[String(run.trail.length), shown(run.states), isDetected(run) ? 'yes' : 'NO'],
  ])
  const found = runs.filter(isDetected).length
  const trails = withTrails ? `${runs.map(story).join('')}\n` : ''
  const verdict = found === runs.length ? 'The proof holds.' : 'The proof fails.'
  return `${table(colours, head, rows, { right: [3, 4, 5] })}\n${trails}${found} of ${runs.length} defences detected.\n${verdict}\n`
}

await runProof({
  command: 'npm run prove:model --',
  options: {
    short: flag('fewer configurations, as in CI'),
    long: flag('one more configuration, with three workers'),
    sensitivity: flag('switch off each defence in turn; each time a violation must be found'),
    trail: flag('with --sensitivity: print the steps to each violation'),
  },
  async run({ short, long, sensitivity, trail }) {
    const missing = await missingPrograms()
    if (missing !== null) throw new UsageError(missing)
    if (sensitivity) {
      const runs = await switchOffEach()
      return { report: runs, text: sensitivityText(runs, trail), holds: runs.every(isDetected) }
    }
    const report = await exploreAll(short ? 'short' : long ? 'long' : 'default')
    return { report, text: textOf(report), holds: holdsAll(report) }
  },
})
