/**
 * The enumeration: a scenario is played once to list the points at which its process could die; then once for every
 * point, and for every ordered pair of points, dying there. Whoever comes next carries on, and in the end the auditor
 * looks. Proves every invariant across one and two crashes at any instant.
 */
import { statement } from '../../src/store/database.ts'
import type { Point } from '../../src/testing/interception.ts'
import type { Process } from '../world/process.ts'
import type { World } from '../world/world.ts'
import type { Scenario } from './scenarios.ts'
import { createStage, type Stage } from './stage.ts'

/** Who comes first after a crash: the recoverer finds what is due, or the buyer asks again. */
export type First = 'recovery' | 'buyer'

export interface Crash {
  scenario: string
  /** Where each process but the last dies. */
  deaths: Point[]
  first: First
}

export interface Played {
  /** What the process after the last death passed; the first, where there was none. */
  reached: Point[]
  isConverged: boolean
  violations: string[]
}

const readEnds = statement(
  'sim_ends',
  `select coalesce(failure->>'code', state) as code, count(*) as count from holdfast.checkouts group by 1`,
)

/** One life: the story and everything that a process does by itself, until nothing is left to do. True when it lived. */
async function live(stage: Stage, scenario: Scenario, process: Process, first: First): Promise<boolean> {
  const { world } = stage
  const tell = () =>
    world.finish(
      process.run(engine => scenario.play(engine, stage.buyers, stage)),
      process.died,
    )
  if (first === 'buyer') await tell()
  else if (!(await world.drain([process]))) return false
  if (process.isDead) return false
  if (first === 'recovery') await tell()
  return !process.isDead && (await world.drain([process]))
}

/** @param seed of what little is left to chance: how long to wait before asking again. */
export async function play(world: World, scenario: Scenario, crash: Crash, seed: number): Promise<Played> {
  await world.begin(seed)
  const stage = createStage(world)
  const heard = new Set<string>()
  let fails = true
  const listeners = {
    CheckoutCompleted: [
      {
        name: 'ships',
        run: ({ lock }: { lock: { id: string } }) => void heard.add(lock.id),
      },
    ],
    CheckoutFailed: [
      {
        name: 'tells',
        run() {
          // Works from the second time on.
          fails = !fails
          if (!fails) throw new Error('the mail server is away')
        },
      },
    ],
  }
  await scenario.set(stage)
  const violations: string[] = []
  let isConverged = false
  let reached: Point[] = []
  for (const [life, diesAt] of [...crash.deaths, null].entries()) {
    const process = await world.spawn({ ...scenario.engine, diesAt, listeners })
    world.onWebhook = (headers, body) => {
      void process.run(engine => engine.receiveWebhook('sandbox', headers, body))
    }
    isConverged = await live(stage, scenario, process, life === 0 ? 'buyer' : crash.first)
    reached = [...process.reached]
    if (diesAt !== null && !process.isDead) violations.push(`harness: ${diesAt} was not reached`)
    if (life === 0) violations.push(...(await world.violations()))
  }
  violations.push(...world.bugs.map(bug => `bug: ${bug}`))
  violations.push(...(await world.violations({ drained: true, acknowledged: stage.acknowledged() })))
  violations.push(...(await wrongEnds(world, scenario, heard)))
  return { reached, isConverged, violations }
}

/** A crash changes nothing about how a story ends, but that a failed checkout may have been tried again. */
async function wrongEnds(world: World, { ends }: Scenario, heard: ReadonlySet<string>): Promise<string[]> {
  const rows = await world.database.query<{ code: string; count: number }>(readEnds)
  const counts = new Map(rows.map(({ code, count }) => [code, count]))
  const isRight =
    (counts.get('completed') ?? 0) === (ends.completed ?? 0) &&
    Object.keys(ends).every(code => counts.has(code)) &&
    rows.every(({ code }) => code in ends)
  const wrong = isRight ? [] : [`end: ${JSON.stringify(Object.fromEntries(counts))} instead of ${JSON.stringify(ends)}`]
  if (heard.size !== (ends.completed ?? 0)) wrong.push(`delivery: ${heard.size} completions were heard of`)
  return wrong
}

export interface Finding {
  crash: Crash
  seed: number
  what: string[]
}

export interface Enumerated {
  scenario: string
  points: number
  singles: number
  pairs: number
  violations: number
  notConverged: number
  findings: Finding[]
}

export interface EnumerateOptions {
  /** Which pairs to play, by their number within the scenario; all where left out. */
  takesPair?(number: number): boolean
  onProgress?(scenario: string, played: number): void
}

export async function enumerate(
  world: World,
  scenario: Scenario,
  { takesPair = () => true, onProgress }: EnumerateOptions = {},
): Promise<Enumerated> {
  const { name } = scenario
  const result: Enumerated = { scenario: name, points: 0, singles: 0, pairs: 0, violations: 0, notConverged: 0, findings: [] }
  let played = 0
  async function judged(deaths: Point[], first: First): Promise<Point[]> {
    const crash: Crash = { scenario: name, deaths, first }
    const { reached, isConverged, violations } = await play(world, scenario, crash, 1)
    played += 1
    onProgress?.(name, played)
    if (!isConverged) result.notConverged += 1
    if (violations.length > 0) result.violations += 1
    if (!isConverged || violations.length > 0) {
      result.findings.push({ crash, seed: 1, what: isConverged ? violations : [...violations, 'it did not come to rest'] })
    }
    return reached
  }
  const points = await judged([], 'buyer')
  result.points = points.length
  let number = 0
  for (const point of points) {
    for (const first of ['recovery', 'buyer'] as const) {
      const later = await judged([point], first)
      result.singles += 1
      for (const second of later) {
        number += 1
        if (!takesPair(number)) continue
        await judged([point, second], first)
        result.pairs += 1
      }
    }
  }
  return result
}
