/**
 * Plays a scenario over the lives of processes that die at chosen points: whoever comes next carries on, the buyers
 * tell their story again, and in the end the auditor looks. A crash changes nothing about how a story ends.
 */
import { statement } from '../../packages/holdfast/src/database/database.ts'
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import type { Process } from '../world/process.ts'
import type { World } from '../world/world.ts'
import { createStage, type Stage } from './stage.ts'
import type { Scenario } from './story.ts'

/** Who comes first after a crash: the recoverer finds what is due, or the buyer asks again. */
export type First = 'recovery' | 'buyer'

export interface Crash {
  scenario: string
  /** Where each process but the last dies. */
  deaths: CrashPoint[]
  first: First
}

export interface Played {
  /** What the last process passed. */
  reached: CrashPoint[]
  isConverged: boolean
  violations: string[]
}

/** What chance there is (pauses before asking again) is the same every time. */
const seed = 1

/** Longer than a lease, shorter than a lock. */
const soonMs = 30_000

const readEnds = statement(
  'sim_ends',
  `select coalesce(failure->>'code', state) as code, count(*) as count from holdfast.checkouts group by 1`,
)

const readOrders = statement('sim_orders', 'select distinct status from holdfast.orders')

const readShelves = statement(
  'sim_shelves',
  `select v.sku, sum(s.on_hand)::bigint as units
   from holdfast.stock_levels s join holdfast.variants v on v.id = s.variant_id group by v.sku`,
)

/** One life: the story, and everything that a process does by itself until nothing is left to do. True when it lived. */
async function live(stage: Stage, scenario: Scenario, process: Process, first: First): Promise<boolean> {
  const { world } = stage
  if (first === 'recovery') await world.drain([process], soonMs)
  const story = process.run(engine => scenario.play(engine, stage.buyers, stage))
  await world.finish(story, process.died)
  return !process.isDead && (await world.drain([process]))
}

/** A durable listener that remembers, and one that fails every other time. */
function listeners(heard: Set<string>) {
  let fails = true
  return {
    CheckoutCompleted: [{ name: 'ships', run: ({ lock }: { lock: { id: string } }) => void heard.add(lock.id) }],
    CheckoutFailed: [
      {
        name: 'tells',
        run() {
          fails = !fails
          if (!fails) throw new Error('the mail server is away')
        },
      },
    ],
  }
}

export async function play(world: World, scenario: Scenario, { deaths, first }: Crash): Promise<Played> {
  await world.begin(seed, scenario.provider)
  const stage = createStage(world)
  const heard = new Set<string>()
  await scenario.set(stage)
  const violations: string[] = []
  let isConverged = false
  let reached: CrashPoint[] = []
  for (const [life, diesAt] of [...deaths, null].entries()) {
    const process = await world.spawn({ ...scenario.engine, diesAt, listeners: listeners(heard) })
    world.onWebhook = (headers, body) => {
      void process.run(engine => engine.receiveWebhook(world.provider.name, headers, body))
    }
    isConverged = await live(stage, scenario, process, life === 0 ? 'buyer' : first)
    reached = [...process.reached]
    if (diesAt === null) break
    if (!process.isDead) violations.push(`harness: ${diesAt} was not reached`)
    // What must hold at any instant holds also right after a crash.
    violations.push(...(await world.violations()))
  }
  violations.push(...world.bugs.map(bug => `bug: ${bug}`))
  violations.push(...(await world.violations({ drained: true, acknowledged: stage.acknowledged() })))
  violations.push(...(await wrongEnds(world, scenario, heard)))
  return { reached, isConverged, violations }
}

/** As the scenario says, but that a buyer who was never told of a failed checkout may have tried another time. */
async function wrongEnds(
  world: World,
  { ends, orders = 'paid', shelf = {} }: Scenario,
  heard: ReadonlySet<string>,
): Promise<string[]> {
  const rows = await world.database.query<{ code: string; count: number }>(readEnds)
  const counts = new Map(rows.map(({ code, count }) => [code, count]))
  const completed = counts.get('completed') ?? 0
  const isRight = ends.some(
    end =>
      completed === (end.completed ?? 0) &&
      Object.keys(end).every(code => counts.has(code)) &&
      rows.every(({ code }) => code in end),
  )
  const wrong = isRight ? [] : [`end: ${JSON.stringify(Object.fromEntries(counts))}, not ${JSON.stringify(ends)}`]
  const kept = await world.database.query<{ status: string }>(readOrders)
  const others = kept.filter(({ status }) => status !== orders && status !== 'cancelled')
  if (others.length > 0) wrong.push(`orders: ${others.map(({ status }) => status).join(', ')}, not ${orders}`)
  const shelves = await world.database.query<{ sku: string; units: number }>(readShelves)
  for (const { sku, units } of shelves) {
    const wanted = shelf[sku] ?? units
    if (units !== wanted) wrong.push(`shelf: ${units} × ${sku}, not ${wanted}`)
  }
  if (heard.size !== completed) wrong.push(`delivery: ${heard.size} of ${completed} completions were heard of`)
  return wrong
}
