/**
 * Plays a scenario with processes that die at chosen points. After each crash a new process continues and the buyers
 * repeat their calls; at the end the audit runs. A crash must not change how a scenario ends.
 */
import { statement } from '../../packages/holdfast/src/database/database.ts'
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import type { Process } from '../world/process.ts'
import type { World } from '../world/world.ts'
import type { Scenario } from './scenario.ts'
import { type ScenarioRun, startRun } from './scenario-run.ts'

/** What happens first after a crash: recovery of due checkouts, or a retry by the buyer. */
export type First = 'recovery' | 'buyer'

export interface Crash {
  scenario: string
  /** The points at which the processes die; the last process survives. */
  deaths: CrashPoint[]
  first: First
}

export interface Played {
  /** The points that the last process passed. */
  reached: CrashPoint[]
  isConverged: boolean
  violations: string[]
}

/** Random choices, such as pauses before retries, are the same in each run. */
const seed = 1

/** Longer than a lease, shorter than the lifetime of a lock. */
const soonMs = 30_000

const readEnds = statement(
  'sim_ends',
  `select coalesce(failure->>'code', state) as code, count(*) as count from holdfast.checkouts group by 1`,
)

const readOrders = statement('sim_orders', 'select distinct status from holdfast.orders')

const readStock = statement(
  'sim_stock',
  `select v.sku, sum(s.on_hand)::bigint as units
   from holdfast.stock_levels s join holdfast.variants v on v.id = s.variant_id group by v.sku`,
)

/** Runs one process: the scenario, then all background work until nothing is left. True if the process survived. */
async function live(run: ScenarioRun, scenario: Scenario, process: Process, first: First): Promise<boolean> {
  const { world } = run
  if (first === 'recovery') await world.drain([process], soonMs)
  const played = process.run(engine => scenario.play(engine, run.buyers, run))
  await world.finish(played, process.died)
  return !process.isDead && (await world.drain([process]))
}

/** A durable listener that records deliveries, and one that fails every other time. */
function listeners(delivered: Set<string>) {
  let fails = true
  return {
    CheckoutCompleted: [{ name: 'ships', run: ({ lock }: { lock: { id: string } }) => void delivered.add(lock.id) }],
    CheckoutFailed: [
      {
        name: 'notifies',
        run() {
          fails = !fails
          if (!fails) throw new Error('the mail server is unreachable')
        },
      },
    ],
  }
}

export async function play(world: World, scenario: Scenario, { deaths, first }: Crash): Promise<Played> {
  await world.begin(seed, scenario.provider)
  const run = startRun(world)
  const delivered = new Set<string>()
  await scenario.set(run)
  const violations: string[] = []
  let isConverged = false
  let reached: CrashPoint[] = []
  for (const [life, diesAt] of [...deaths, null].entries()) {
    const process = await world.spawn({ ...scenario.engine, diesAt, listeners: listeners(delivered) })
    world.onWebhook = (headers, body) => {
      void process.run(engine => engine.receiveWebhook(world.provider.name, headers, body))
    }
    isConverged = await live(run, scenario, process, life === 0 ? 'buyer' : first)
    reached = [...process.reached]
    if (diesAt === null) break
    if (!process.isDead) violations.push(`harness: ${diesAt} was not reached`)
    // Invariants that hold at any time must also hold right after a crash.
    violations.push(...(await world.violations()))
  }
  violations.push(...world.bugs.map(bug => `bug: ${bug}`))
  violations.push(...(await world.violations({ drained: true, acknowledged: run.acknowledged() })))
  violations.push(...(await wrongEnds(world, scenario, delivered)))
  return { reached, isConverged, violations }
}

/** Differences from the scenario's endings. A buyer who got no answer about a failed checkout may have started another. */
async function wrongEnds(
  world: World,
  { ends, orders = 'paid', stock = {} }: Scenario,
  delivered: ReadonlySet<string>,
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
  const wrong = isRight ? [] : [`end: ${JSON.stringify(Object.fromEntries(counts))}, expected ${JSON.stringify(ends)}`]
  const kept = await world.database.query<{ status: string }>(readOrders)
  const others = kept.filter(({ status }) => status !== orders && status !== 'cancelled')
  if (others.length > 0) wrong.push(`orders: ${others.map(({ status }) => status).join(', ')}, expected ${orders}`)
  const levels = await world.database.query<{ sku: string; units: number }>(readStock)
  for (const { sku, units } of levels) {
    const wanted = stock[sku] ?? units
    if (units !== wanted) wrong.push(`stock: ${units} × ${sku}, expected ${wanted}`)
  }
  if (delivered.size !== completed) wrong.push(`deliveries: ${delivered.size} of ${completed} completed checkouts`)
  return wrong
}
