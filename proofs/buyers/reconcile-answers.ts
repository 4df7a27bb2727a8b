/**
 * What buyers were told against what is true afterwards, in our tables and in the gateway's own ledger. Protects A9:
 * an acknowledged order is there, paid, with that number and total; and nobody paid for a cart that is no order.
 */

import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import type { Acknowledged } from '../../packages/holdfast/src/observe/audit/audit.ts'
import type { BuyerRecord } from './buyer.ts'

export interface Contradictions {
  /** Orders that a buyer was told and that are not there as told. */
  lostAcknowledgements: string[]
  /** Clear refusals of carts that were sold or charged all the same. */
  brokenRefusals: string[]
  /** Carts that were charged and are no paid order, or not of that amount. */
  chargedWithoutOrder: string[]
  /** Carts with more than one paid order, or more than one capture. */
  boughtTwice: string[]
}

/** Each checkout's end as its buyer was told it. */
export function acknowledgedBy(records: readonly BuyerRecord[]): Acknowledged[] {
  return records.flatMap(({ ending }): Acknowledged[] => {
    if (ending.kind === 'ordered') {
      return [{ checkoutId: ending.order.lockId, state: 'completed', orderId: ending.order.id }]
    }
    return ending.kind === 'refused' && ending.lockId !== null ? [{ checkoutId: ending.lockId, state: 'failed' }] : []
  })
}

/** Paid for, whether or not some of it was given back later. */
const isPaid = (status: string) => `coalesce(${status} in ('paid', 'partially_refunded', 'refunded'), false)`

const findLost = statement(
  'sim_lost_acknowledgements',
  `select format('order %s (%s), told as %s of %s %s for cart %s, is %s of %s', told.number, told.id, told.status, told.total,
     told.currency, told."cartId", coalesce(o.status, 'not there'), o.total_minor) as text
   from json_to_recordset($1) as told (id uuid, number text, "lockId" uuid, status text, currency text, total bigint,
     expected bigint, "cartId" text)
   left join holdfast.orders o on o.id = told.id
   left join holdfast.checkouts c on c.id = o.checkout_id
   where not ${isPaid('told.status')} or not ${isPaid('o.status')} or o.number is distinct from told.number
     or o.total_minor is distinct from told.total or told.total is distinct from told.expected
     or o.currency is distinct from told.currency or c.id is distinct from told."lockId"
     or c.cart_id is distinct from told."cartId"`,
)

/** Net of refunds, by cart. */
const chargesOf = (payments: string) => `select c.cart_id, sum(p.captured_minor - p.refunded_minor) as charged,
    count(*) filter (where p.status = 'captured') as captures
  from ${payments} p join holdfast.checkouts c on c.id = p.checkout_id group by c.cart_id`
const paidOrders = `select c.cart_id, sum(o.total_minor - o.refunded_minor) as total, count(*) as orders
  from holdfast.orders o join holdfast.checkouts c on c.id = o.checkout_id where ${isPaid('o.status')} group by c.cart_id`

const ofPayments = (payments: string) => {
  const charges = chargesOf(payments)
  return {
    findBroken: statement(
      'sim_broken_refusals',
      `select format('cart %s was refused with %s, but has %s paid orders and was charged %s', told."cartId", told.code,
         coalesce(bought.orders, 0), coalesce(charge.charged, 0)) as text
       from json_to_recordset($1) as told ("cartId" text, code text)
       left join (${paidOrders}) as bought on bought.cart_id = told."cartId"
       left join (${charges}) as charge on charge.cart_id = told."cartId"
       where bought.orders > 0 or charge.charged <> 0`,
    ),
    findCharged: statement(
      'sim_charged_without_order',
      `select format('cart %s was charged %s and has paid orders of %s', cart_id, coalesce(charge.charged, 0),
         coalesce(bought.total, 0)) as text
       from (${charges}) as charge full join (${paidOrders}) as bought using (cart_id)
       where coalesce(charge.charged, 0) <> coalesce(bought.total, 0)`,
    ),
    findTwice: statement(
      'sim_bought_twice',
      `select format('cart %s has %s paid orders and %s captures', cart_id, coalesce(bought.orders, 0), charge.captures) as text
       from (${charges}) as charge full join (${paidOrders}) as bought using (cart_id)
       where bought.orders > 1 or charge.captures > 1`,
    ),
  }
}

/**
 * Compares; may be asked once everything has drained.
 * @param payments where the gateway's own payments stand; default the sandbox's ledger.
 */
export async function contradictionsOf(
  database: Database,
  records: readonly BuyerRecord[],
  payments = 'holdfast_sandbox.payments',
): Promise<Contradictions> {
  const { findBroken, findCharged, findTwice } = ofPayments(payments)
  const orders = records.flatMap(({ ending, total, cartId }) =>
    ending.kind === 'ordered' ? [{ ...ending.order, expected: total, cartId }] : [],
  )
  const refusals = records.flatMap(({ ending, cartId }) =>
    ending.kind === 'refused' ? [{ cartId, code: ending.code }] : [],
  )
  const texts = async (rows: Promise<{ text: string }[]>) => (await rows).map(row => row.text)
  return {
    lostAcknowledgements: await texts(database.query(findLost, [JSON.stringify(orders)])),
    brokenRefusals: await texts(database.query(findBroken, [JSON.stringify(refusals)])),
    chargedWithoutOrder: await texts(database.query(findCharged)),
    boughtTwice: await texts(database.query(findTwice)),
  }
}
