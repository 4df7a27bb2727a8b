/**
 * The crash matrix: for a crash at each point of a scenario, the state of the shop, the answer of another process to a
 * buyer who pays again at once, and the end. All rows are observed, not derived.
 */
import { statement } from '../../packages/holdfast/src/database/database.ts'
import { type CheckoutFacts, readCheckoutFacts } from '../../packages/holdfast/test/support/store-facts.ts'
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import type { World } from '../world/world.ts'
import type { Scenario } from './scenario.ts'
import { type Buyer, startRun } from './scenario-run.ts'

export interface MatrixRow {
  point: CrashPoint
  /** The state of the database and of the gateway's ledger right after the crash. */
  shop: string
  /** The answer of another process to a buyer who pays again at once. */
  buyer: string
  end: string
}

const readLast = statement(
  'sim_last_checkout',
  'select id from holdfast.checkouts order by locked_at desc, id desc limit 1',
)

async function factsNow(world: World): Promise<CheckoutFacts | null> {
  const [last] = await world.database.query<{ id: string }>(readLast)
  return last === undefined ? null : readCheckoutFacts(world.database, last.id)
}

function described(facts: CheckoutFacts | null): string {
  if (facts === null) return 'nothing: the cart is free'
  const parts: string[] = [facts.code === null ? facts.state : `${facts.state} (${facts.code})`]
  if (facts.holds.length > 0) parts.push(`stock ${facts.holds.join(', ')}`)
  if (facts.payment !== null) parts.push(`payment ${facts.payment}`)
  if (facts.order !== null) parts.push(`order ${facts.order}`)
  return parts.join('; ')
}

const answers: Record<string, string> = {
  completed: 'the order',
  processing: '“processing”, retry later',
  action_required: 'the action at the bank',
  awaiting_capture: 'the order, to be captured later',
}

function answerTo(buyer: Buyer | undefined): string {
  const { outcome, refusal } = buyer ?? {}
  if (refusal !== null && refusal !== undefined) return `“${refusal}”`
  if (outcome === null || outcome === undefined) return 'nothing'
  return outcome.status === 'failed' ? `“${outcome.failure.code}”` : (answers[outcome.status] ?? outcome.status)
}

/** One row per point that an undisturbed run passes, except the deliveries to listeners. */
export async function matrix(world: World, scenario: Scenario, token: string): Promise<MatrixRow[]> {
  async function until(diesAt: CrashPoint | null) {
    await world.begin(1, scenario.provider)
    const run = startRun(world)
    const buyers = await scenario.set(run)
    const doomed = await world.spawn({ ...scenario.engine, diesAt })
    await world.finish(
      doomed.run(engine => scenario.play(engine, buyers, run)),
      doomed.died,
    )
    return { run, buyers, doomed }
  }
  const { doomed } = await until(null)
  const points = doomed.reached.filter(point => !point.includes('deliveries'))
  const rows: MatrixRow[] = []
  for (const point of points) {
    const { buyers, run } = await until(point)
    const [buyer] = buyers
    const shop = described(await factsNow(world))
    const next = await world.spawn({ ...scenario.engine })
    await world.finish(next.run(async engine => buyer?.payOnce(engine, { token })))
    const seen = answerTo(buyer)
    await world.finish(next.run(engine => scenario.play(engine, buyers, run)))
    await world.drain([next])
    rows.push({ point, shop, buyer: seen, end: described(await factsNow(world)) })
  }
  return rows
}
