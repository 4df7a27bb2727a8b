/** Records of a run that are not in the database: the payments shoppers requested and the answers they received. */

import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import type { Outcome } from '../../packages/holdfast/src/domain/outcome.ts'
import type { Acknowledged } from '../../packages/holdfast/src/observe/audit/audit.ts'
import type { Process } from '../world/process.ts'

export interface AnswerRecords {
  /** An answer reached a shopper. */
  answered(outcome: Outcome): void
  /** A shopper sent a payment for the checkout. */
  requested(checkoutId: string): void
  /** Records that a shopper waits for an answer of the process. */
  waitsFor<Result>(process: Process, answer: Promise<Result>): Promise<Result>
  /** A listener received the completed checkout. */
  delivered(checkoutId: string): void
  readonly acknowledged: readonly Acknowledged[]
  /** Contradictions with the database, and calls that a living process never answered. */
  wrong(database: Database): Promise<string[]>
}

const readCharged = statement(
  'sim_charged',
  'select distinct checkout_id as id from holdfast_sandbox.payments where captured_minor > 0',
)
const readCompleted = statement('sim_completed', `select id from holdfast.checkouts where state = 'completed'`)
/** The cart was locked when its checkout started, so the order must contain the same lines. */
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

export function createAnswerRecords(): AnswerRecords {
  const acknowledged = new Map<string, Acknowledged>()
  const requested = new Set<string>()
  const delivered = new Set<string>()
  const waiting = new Map<symbol, Process>()
  const contradictions: string[] = []
  return {
    answered(outcome) {
      if (outcome.status !== 'completed' && outcome.status !== 'failed') return
      const { id } = outcome.lock
      const known = acknowledged.get(id)
      if (known !== undefined && known.state !== outcome.status) {
        contradictions.push(`answer: checkout ${id} was acknowledged as ${known.state}, then as ${outcome.status}`)
      }
      acknowledged.set(
        id,
        outcome.status === 'completed'
          ? { checkoutId: id, state: 'completed', orderId: outcome.order.id }
          : { checkoutId: id, state: 'failed' },
      )
    },
    requested: id => void requested.add(id),
    delivered: id => void delivered.add(id),
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
        ...charged
          .filter(({ id }) => !requested.has(id))
          .map(({ id }) => `charged: no payment was sent for checkout ${id}`),
        ...completed
          .filter(({ id }) => !delivered.has(id))
          .map(({ id }) => `delivery: no listener received checkout ${id}`),
        ...other.map(({ id }) => `cart: checkout ${id} sold a different cart from the one it locked`),
        ...blocked.map(({ id }) => `cart: ${id} is locked by a checkout that has ended`),
        ...[...waiting.values()]
          .filter(process => !process.isDead)
          .map(process => `answer: ${process.name} never answered a call`),
      ]
    },
  }
}
