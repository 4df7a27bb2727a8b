/**
 * The crash matrix: a process is killed at each point of a scenario; what stands in the shop then, what the buyer is
 * told who asks another process at once, and how it ends. Made by doing it.
 */
import { statement } from '../../packages/holdfast/src/database/database.ts'
import { type CheckoutFacts, readCheckoutFacts } from '../../packages/holdfast/test/support/store-facts.ts'
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import type { World } from '../world/world.ts'
import { type Buyer, createStage } from './stage.ts'
import type { Scenario } from './story.ts'

export interface MatrixRow {
  point: CrashPoint
  /** What the shop's tables and the gateway's ledger say right after the crash. */
  shop: string
  /** What the buyer is told who pays again at once, at another process. */
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

const told: Record<string, string> = {
  completed: 'the order',
  processing: '“processing”, ask again',
  action_required: 'what to do at the bank',
  awaiting_capture: 'the order, to be captured later',
}

function toldTo(buyer: Buyer | undefined): string {
  const { outcome, refusal } = buyer ?? {}
  if (refusal !== null && refusal !== undefined) return `“${refusal}”`
  if (outcome === null || outcome === undefined) return 'nothing'
  return outcome.status === 'failed' ? `“${outcome.failure.code}”` : (told[outcome.status] ?? outcome.status)
}

/** The points are those that an undisturbed run passes; deliveries to listeners are left out. */
export async function matrix(world: World, scenario: Scenario, token: string): Promise<MatrixRow[]> {
  async function until(diesAt: CrashPoint | null) {
    await world.begin(1, scenario.provider)
    const stage = createStage(world)
    const buyers = await scenario.set(stage)
    const doomed = await world.spawn({ ...scenario.engine, diesAt })
    await world.finish(
      doomed.run(engine => scenario.play(engine, buyers, stage)),
      doomed.died,
    )
    return { stage, buyers, doomed }
  }
  const { doomed } = await until(null)
  const points = doomed.reached.filter(point => !point.includes('deliveries'))
  const rows: MatrixRow[] = []
  for (const point of points) {
    const { buyers, stage } = await until(point)
    const [buyer] = buyers
    const shop = described(await factsNow(world))
    const next = await world.spawn({ ...scenario.engine })
    await world.finish(next.run(async engine => buyer?.payOnce(engine, { token })))
    const seen = toldTo(buyer)
    await world.finish(next.run(engine => scenario.play(engine, buyers, stage)))
    await world.drain([next])
    rows.push({ point, shop, buyer: seen, end: described(await factsNow(world)) })
  }
  return rows
}
