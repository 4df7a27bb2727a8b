/** The facts that tests check about a checkout: lock, order, holds, coupon, money, and events, read from the tables. */
import { type Database, statement } from '../../src/database/database.ts'

export interface CheckoutFacts {
  state: string
  code: string | null
  phase: string | null
  holdsCart: boolean
  /** Status of the order. */
  order: string | null
  /** Distinct states of the reservations. */
  holds: string[]
  /** State of the coupon claim. */
  claim: string | null
  /** Status of the payment in the gateway's ledger. */
  payment: string | null
  /** Captured minus refunded, in that ledger. */
  charged: number
  /** Event types in the order in which they were written. */
  events: string[]
}

const readFacts = statement(
  'test_checkout_facts',
  `select c.state, c.failure->>'code' as code, c.failure->>'phase' as phase, c.holds_cart as "holdsCart",
     (select status from holdfast.orders o where o.checkout_id = c.id) as "order",
     array(select distinct state from holdfast.stock_reservations r where r.checkout_id = c.id order by state) as holds,
     (select state from holdfast.coupon_claims k where k.checkout_id = c.id) as claim,
     (select status from holdfast_sandbox.payments p where p.checkout_id = c.id) as payment,
     coalesce((select sum(captured_minor - refunded_minor) from holdfast_sandbox.payments p where p.checkout_id = c.id), 0) as charged,
     array(select type from holdfast.events e where e.checkout_id = c.id order by e.created_at, e.id) as events
   from holdfast.checkouts c where c.id = $1::uuid`,
)

/** @throws {Error} if the checkout does not exist. */
export async function readCheckoutFacts(database: Database, lockId: string): Promise<CheckoutFacts> {
  const [facts] = await database.query<CheckoutFacts>(readFacts, [lockId])
  if (facts === undefined) throw new Error(`there is no checkout ${lockId}`)
  return facts
}

/** A checkout that ended with one paid order. */
export function paid(chargedMinor: number, more: Partial<CheckoutFacts> = {}): CheckoutFacts {
  return {
    state: 'completed',
    code: null,
    phase: null,
    holdsCart: true,
    order: 'paid',
    holds: ['committed'],
    claim: null,
    payment: 'captured',
    charged: chargedMinor,
    events: ['CheckoutStarted', 'CheckoutCompleted'],
    ...more,
  }
}

/** A checkout that was undone after stock was held: nothing charged, nothing held. */
export function undone(code: string, phase: string | null, more: Partial<CheckoutFacts> = {}): CheckoutFacts {
  return {
    state: 'failed',
    code,
    phase,
    holdsCart: false,
    order: null,
    holds: ['released'],
    claim: null,
    payment: 'voided',
    charged: 0,
    events: ['CheckoutStarted', 'CheckoutFailed'],
    ...more,
  }
}

const readStock = statement(
  'test_stock',
  `select coalesce(sum(s.on_hand), 0)::bigint as "onHand", coalesce(sum(s.reserved), 0)::bigint as reserved
   from holdfast.stock_levels s join holdfast.variants v on v.id = s.variant_id where v.sku = $1`,
)

export async function readStockOf(database: Database, sku: string): Promise<{ onHand: number; reserved: number }> {
  const [row] = await database.query<{ onHand: number; reserved: number }>(readStock, [sku])
  return row ?? { onHand: 0, reserved: 0 }
}
