/**
 * Parses the output of `pan`, the verifier that spin generates: statistics, violations, and whether the search is
 * complete. An incomplete search is never taken for one without violations.
 */

export interface Exploration {
  /** Distinct states. */
  states: number
  transitions: number
  /** The length of the longest path, or of the counterexample. */
  depth: number
  errors: number
  /** The violated property, such as `A2` or `B1`; null if there is none. */
  violated: string | null
  /** Whether every state was visited. */
  isComplete: boolean
  memoryMb: number
  seconds: number
}

function figure(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1]
  if (found === undefined) throw new Error(`the output of pan does not contain ${pattern}:\n${output}`)
  return Number(found)
}

/** Parses the report of a search. @throws {Error} if the text is not a report. */
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

/** A statement of the model, and whether it was reached. An inlined statement counts if one of its places was reached. */
export interface Statement {
  line: number
  text: string
  isReached: boolean
}

/** @param table the output of `pan -d -d`; @param output the report of a search. */
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
    // Workers never end, and assertions are reached only by violations.
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

/** Extracts the steps to a violation from the output of `pan -r`. */
export function readTrail(output: string): string[] {
  return output
    .split('\n')
    .filter(line =>
      /^\s*(worker \d|key \d|another start|a hold|faults end|the (buyer|gateway|checkout)|captured at)/.test(line),
    )
    .map(line => line.trim().replace(/key (\d)/, (_, key: string) => keyNames[Number(key)] ?? key))
}
