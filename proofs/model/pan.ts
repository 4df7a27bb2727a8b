/**
 * What `pan`, the program that spin makes of a model, prints: its figures, what was violated, and whether it really went
 * to the end. A search that was cut short is never taken for one that found nothing.
 */

export interface Exploration {
  /** States as stored, each once. */
  states: number
  transitions: number
  /** Steps of the longest path, or of the counterexample. */
  depth: number
  errors: number
  /** The property that was violated: `A2`, `B1`; null: none. */
  violated: string | null
  /** Every state was visited. */
  isComplete: boolean
  memoryMb: number
  seconds: number
}

function figure(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1]
  if (found === undefined) throw new Error(`pan did not say ${pattern}:\n${output}`)
  return Number(found)
}

/** Reads a report. @throws {Error} where it is none. */
export function readExploration(output: string): Exploration {
  const errors = figure(output, /errors: (\d+)/)
  const cutShort =
    /max search depth too small|out of memory|MEMLIM|Search not completed|hash-?table is full|Segmentation/i
  const assertion = /assertion violated .*?\b([AB]\d+|BOUND)\b/.exec(output)?.[1]
  const isEndless = /acceptance cycle|invalid end state/.test(output.replace(/^\s+(acceptance|invalid).*$/gm, ''))
  const counterexample = /^pan:1: .*\(at depth (\d+)\)/m.exec(output)?.[1]
  return {
    states: figure(output, /^\s*([\d.e+]+) states, stored/m),
    transitions: figure(output, /^\s*([\d.e+]+) transitions/m),
    depth: counterexample === undefined ? figure(output, /depth reached (\d+)/) : Number(counterexample),
    errors,
    violated: assertion ?? (isEndless ? 'B1' : errors > 0 ? 'unknown' : null),
    isComplete: errors === 0 && !cutShort.test(output),
    memoryMb: figure(output, /^\s*([\d.]+)\s+total actual memory usage/m),
    seconds: Number(/elapsed time ([\d.e+-]+) seconds/.exec(output)?.[1] ?? 0),
  }
}

/** A statement of the model, and whether it was run. An inlined one has a place for each use; one of them is enough. */
export interface Statement {
  line: number
  text: string
  isReached: boolean
}

/** `table` is what `pan -d -d` lists, `output` the report of a search. */
export function readStatements(table: string, output: string): Statement[] {
  const processes = new Set<string>()
  const unreached = new Set<string>()
  let process = ''
  for (const line of output.split('\n')) {
    const heading = /^unreached in (?:proctype )?(\S+)/.exec(line)?.[1]
    if (heading !== undefined) {
      process = heading
      if (line.includes(' proctype ')) processes.add(heading)
    }
    const state = /^\t\S+:\d+, state (\d+), /.exec(line)?.[1]
    if (state !== undefined) unreached.add(`${process} ${state}`)
  }
  const places = new Map<string, { line: number; text: string; at: Set<string> }>()
  for (const line of table.split('\n')) {
    process = /^STEP \d+ (\S+)/.exec(line)?.[1] ?? process
    const [, state, at, text] = /^\tstate\s+(\d+) .*? \S+\.pml:(\d+) => (.*)$/.exec(line) ?? []
    if (!processes.has(process) || state === undefined || at === undefined || text === undefined) continue
    // Workers never end, and an alarm is only ever raised by what is wrong.
    if (text === '-end-' || /^assert\([AB]\d+\)$/.test(text)) continue
    const key = `${at} ${text}`
    const place = places.get(key) ?? { line: Number(at), text, at: new Set<string>() }
    place.at.add(`${process} ${state}`)
    places.set(key, place)
  }
  if (places.size === 0) throw new Error('pan listed no statements')
  return [...places.values()].map(({ line, text, at }) => ({
    line,
    text,
    isReached: [...at].some(place => !unreached.has(place)),
  }))
}

const keyNames = ['authorize:1', 'capture:1', 'void:1', 'void:2', 'refund:1', 'refund:2', 'made-up']

/** What happened on the way to a violation, from what `pan -r` prints. */
export function readTrail(output: string): string[] {
  return output
    .split('\n')
    .filter(line =>
      /^\s*(worker \d|key \d|another start|a hold|time is|faults end|the (buyer|gateway)|captured by)/.test(line),
    )
    .map(line => line.trim().replace(/key (\d)/, (_, key: string) => keyNames[Number(key)] ?? key))
}
