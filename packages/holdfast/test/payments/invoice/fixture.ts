/** The invoice gateway's books, read with SQL instead of through its answers. */

import type { GatewayBooks } from '../../../../testing/src/gateway/gateway-buyer.ts'
import { type Database, statement } from '../../../src/database/database.ts'

const booksOf = statement(
  'test_invoice_books',
  `select count(*) filter (where currency <> 'XXX') as authorizations,
     coalesce(sum(amount_minor) filter (where status = 'issued'), 0) as "openMinor",
     coalesce(sum(amount_minor) filter (where status = 'captured'), 0) as "capturedMinor",
     coalesce(sum(refunded_minor), 0) as "refundedMinor"
   from holdfast_invoices.invoices where checkout_id = $1::uuid`,
)
const fallDue = statement(
  'test_invoice_due',
  `update holdfast_invoices.invoices set due_at = now() - interval '1 second' where checkout_id = $1::uuid`,
)
/** Invoices whose balance differs from the sum of their lines, or whose refunds differ from the promised sum. */
const wrongSums = statement(
  'test_invoice_sums',
  `select reference from holdfast_invoices.invoices i
   where balance_minor <> coalesce((select sum(amount_minor) from holdfast_invoices.statement_lines l where l.reference = i.reference), 0)
     or refunded_minor <> coalesce((select sum(amount_minor) from holdfast_invoices.refunds r
       where r.reference = i.reference and r.decline_code is null), 0)`,
)

export async function invoiceBooks(database: Database, checkoutId: string): Promise<GatewayBooks> {
  const [row] = await database.query<GatewayBooks>(booksOf, [checkoutId])
  return row ?? { authorizations: 0, openMinor: 0, capturedMinor: 0, refundedMinor: 0 }
}

/** Makes the invoice of a checkout due now. */
export async function makeDue(database: Database, checkoutId: string): Promise<void> {
  await database.query(fallDue, [checkoutId])
}

export const wrongInvoices = (database: Database): Promise<{ reference: string }[]> => database.query(wrongSums)
