/** What the shoppers of a run were told and asked for: the half of the truth that is not in the database. */

import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import type { Outcome } from '../../packages/holdfast/src/domain/outcome.ts'
import type { Acknowledged } from '../../packages/holdfast/src/observe/audit/audit.ts'
import type { Process } from '../world/process.ts'

export interface Record {
  told(outcome: Outcome): void
  /** A payment was sent for this checkout. */
  asked(checkoutId: string): void
  /** Remembers that somebody waits for an answer of this process. */
  waitsFor<Result>(process: Process, answer: Promise<Result>): Promise<Result>
  heard(checkoutId: string): void
  readonly acknowledged: readonly Acknowledged[]
  /** What contradicts the database, or was never answered by a process that lives. */
  wrong(database: Database): Promise<string[]>
}

const readCharged = statement(
  'sim_charged',
  'select distinct checkout_id as id from holdfast_sandbox.payments where captured_minor > 0',
)
const readCompleted = statement('sim_completed', `select id from holdfast.checkouts where state = 'completed'`)
/** A cart is as it was when its checkout was started, so it is what was bought. */
const readOtherThanBought = statement(
  'sim_other_than_bought',
  `select c.id from holdfast.checkouts c join holdfast.orders o on o.checkout_id = c.id
   where c.state = 'completed' and (
     select array_agg(v.sku || ' ' || l.quantity order by v.sku) from holdfast.cart_lines l
     join holdfast.variants v on v.id = l.variant_id where l.cart_id = c.cart_id
   ) is distinct from (
     select array_agg(l.sku || ' ' || l.quantity order by l.sku) from holdfast.order_lines l where l.order_id = o.id)`,
)
const readBlocked = statement(
  'sim_blocked_carts',
  `select c.id from holdfast.carts c join holdfast.checkouts k on k.cart_id = c.id and k.holds_cart
   where k.state in ('failed', 'rolling_back')`,
)

export function createRecords(): Record {
  const acknowledged = new Map<string, Acknowledged>()
  const asked = new Set<string>()
  const heard = new Set<string>()
  const waiting = new Map<symbol, Process>()
  const contradictions: string[] = []
  return {
    told(outcome) {
      if (outcome.status !== 'completed' && outcome.status !== 'failed') return
      const { id } = outcome.lock
      const known = acknowledged.get(id)
      if (known !== undefined && known.state !== outcome.status) {
        contradictions.push(`told: checkout ${id} was said to have ${known.state}, then to have ${outcome.status}`)
      }
      acknowledged.set(
        id,
        outcome.status === 'completed'
          ? { checkoutId: id, state: 'completed', orderId: outcome.order.id }
          : { checkoutId: id, state: 'failed' },
      )
    },
    asked: id => void asked.add(id),
    heard: id => void heard.add(id),
    async waitsFor(process, answer) {
      const mine = Symbol(process.name)
      waiting.set(mine, process)
      try {
        return await answer
      } finally {
        waiting.delete(mine)
      }
    },
    get acknowledged() {
      return [...acknowledged.values()]
    },
    async wrong(database) {
      const [charged, completed, blocked, other] = await Promise.all([
        database.query<{ id: string }>(readCharged),
        database.query<{ id: string }>(readCompleted),
        database.query<{ id: string }>(readBlocked),
        database.query<{ id: string }>(readOtherThanBought),
      ])
      return [
        ...contradictions,
        ...charged.filter(({ id }) => !asked.has(id)).map(({ id }) => `charged: nobody asked for checkout ${id}`),
        ...completed.filter(({ id }) => !heard.has(id)).map(({ id }) => `delivery: nobody heard of checkout ${id}`),
        ...other.map(({ id }) => `cart: checkout ${id} sold another cart than it locked`),
        ...blocked.map(({ id }) => `cart: ${id} is held by a checkout that is over`),
        ...[...waiting.values()]
          .filter(process => !process.isDead)
          .map(process => `answer: somebody still waits for ${process.name}`),
      ]
    },
  }
}
