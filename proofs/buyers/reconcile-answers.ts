/**
 * Compares the answers that buyers received with the database and the gateway's ledger. Protects A9: an acknowledged
 * order exists and is paid, with the same number and total; and no cart is charged without an order.
 */

import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import type { Acknowledged } from '../../packages/holdfast/src/observe/audit/audit.ts'
import type { BuyerRecord } from './buyer.ts'

export interface Contradictions {
  /** Orders that were acknowledged but do not exist, or exist with different values. */
  lostAcknowledgements: string[]
  /** Refused carts that were sold or charged anyway. */
  brokenRefusals: string[]
  /** Carts that were charged without a paid order of the same amount. */
  chargedWithoutOrder: string[]
  /** Carts with more than one paid order or more than one capture. */
  boughtTwice: string[]
}

/** The end of each checkout, as acknowledged to its buyer. */
export function acknowledgedBy(records: readonly BuyerRecord[]): Acknowledged[] {
  return records.flatMap(({ ending }): Acknowledged[] => {
    if (ending.kind === 'ordered') {
      return [{ checkoutId: ending.order.lockId, state: 'completed', orderId: ending.order.id }]
    }
    return ending.kind === 'refused' && ending.lockId !== null ? [{ checkoutId: ending.lockId, state: 'failed' }] : []
  })
}

/** Paid, including orders that were refunded later. */
const isPaid = (status: string) => `coalesce(${status} in ('paid', 'partially_refunded', 'refunded'), false)`

const findLost = statement(
  'sim_lost_acknowledgements',
  `select format('order %s (%s), acknowledged as %s of %s %s for cart %s, is %s of %s', answer.number, answer.id, answer.status, answer.total,
     answer.currency, answer."cartId", coalesce(o.status, 'missing'), o.total_minor) as text
   from json_to_recordset($1) as answer (id uuid, number text, "lockId" uuid, status text, currency text, total bigint,
     expected bigint, "cartId" text)
   left join holdfast.orders o on o.id = answer.id
   left join holdfast.checkouts c on c.id = o.checkout_id
   where not ${isPaid('answer.status')} or not ${isPaid('o.status')} or o.number is distinct from answer.number
     or o.total_minor is distinct from answer.total or answer.total is distinct from answer.expected
     or o.currency is distinct from answer.currency or c.id is distinct from answer."lockId"
     or c.cart_id is distinct from answer."cartId"`,
)

/** Charges per cart, minus refunds. */
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
      `select format('cart %s was refused with %s, but has %s paid orders and was charged %s', answer."cartId", answer.code,
         coalesce(bought.orders, 0), coalesce(charge.charged, 0)) as text
       from json_to_recordset($1) as answer ("cartId" text, code text)
       left join (${paidOrders}) as bought on bought.cart_id = answer."cartId"
       left join (${charges}) as charge on charge.cart_id = answer."cartId"
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
 * Compares records with the database; call it after everything has drained.
 * @param payments the table of the gateway's payments. Default: the ledger of the sandbox.
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
