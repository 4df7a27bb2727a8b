/**
 * The books of the invoice gateway in SQL: invoices, lines of bank statements, refunds. Every rule is also a
 * constraint (`packages/holdfast/migrations/0003_payments.sql`).
 */

import { type Queryable, statement } from '../../database/database.ts'
import { noCurrency } from '../gateway.ts'

export interface InvoiceRow {
  reference: string
  checkoutId: string
  status: 'issued' | 'captured' | 'voided' | 'lapsed'
  amountMinor: number
  currency: string
  /** Received minus paid back. */
  balanceMinor: number
  /** Refunds that the shop has promised of the captured amount. */
  refundedMinor: number
  captureKey: string | null
  issuedAt: string
  dueAt: string
  /** True if the invoice is due, by the database's clock. */
  isDue: boolean
  /** Milliseconds until the invoice is due. */
  leftMs: number
}

export interface LineRow {
  reference: string
  amountMinor: number
  currency: string
}

export interface RefundRow extends LineRow {
  declineCode: string | null
}

/** Maximum length of a list. */
export const listMax = 1_000
/** Paid invoices that one turn announces. */
const announcedMax = 100
export const pageSize = 100

const columns = `reference, checkout_id as "checkoutId", status, amount_minor as "amountMinor", currency,
  balance_minor as "balanceMinor", refunded_minor as "refundedMinor", capture_key as "captureKey", issued_at as "issuedAt",
  due_at as "dueAt", due_at <= now() as "isDue", ceil(extract(epoch from due_at - now()) * 1000)::bigint as "leftMs"`

export const books = {
  /** `$1` key, `$2` checkout, `$3` amount, `$4` currency, `$5` days. */
  issue: statement(
    'invoice_issue',
    `insert into holdfast_invoices.invoices (authorization_key, checkout_id, status, amount_minor, currency, due_at)
     values ($1, $2::uuid, 'issued', $3::bigint, $4, now() + $5::integer * interval '1 day')
     on conflict (authorization_key) do nothing`,
  ),
  /** `$1` key, `$2` checkout. A key that has not arrived is fenced by a row that is void from the start. */
  end: statement(
    'invoice_void',
    `insert into holdfast_invoices.invoices as invoice (authorization_key, checkout_id, status, amount_minor, currency, due_at)
     values ($1, $2::uuid, 'voided', 0, '${noCurrency}', now())
     on conflict (authorization_key) do update
     set status = case invoice.status when 'issued' then 'voided' else invoice.status end
     where invoice.checkout_id = excluded.checkout_id
     returning ${columns}`,
  ),
  /** `$1` key or `$2` reference, `$3` checkout. */
  find: statement(
    'invoice_find',
    `select ${columns} from holdfast_invoices.invoices
     where (authorization_key = $1 or reference = $2) and checkout_id = $3::uuid limit 1`,
  ),
  read: statement('invoice_read', `select ${columns} from holdfast_invoices.invoices where reference = $1`),
  lock: statement('invoice_lock', `select ${columns} from holdfast_invoices.invoices where reference = $1 for update`),
  /** `$1` reference, `$2` key. */
  capture: statement(
    'invoice_capture',
    `update holdfast_invoices.invoices set status = 'captured', capture_key = $2 where reference = $1 and status = 'issued'`,
  ),
  lapse: statement(
    'invoice_lapse',
    `update holdfast_invoices.invoices set status = 'lapsed' where reference = $1 and status = 'issued'`,
  ),
  findRefund: statement(
    'invoice_find_refund',
    `select reference, amount_minor as "amountMinor", currency, decline_code as "declineCode"
     from holdfast_invoices.refunds where idempotency_key = $1`,
  ),
  /** `$1` key, `$2` reference, `$3` amount, `$4` currency, `$5` decline code or null for a promised refund. */
  refund: statement(
    'invoice_refund',
    `with refund as (
       insert into holdfast_invoices.refunds (idempotency_key, reference, amount_minor, currency, decline_code)
       values ($1, $2, $3::bigint, $4, $5))
     update holdfast_invoices.invoices set refunded_minor = refunded_minor + $3::bigint
     where reference = $2 and $5::text is null`,
  ),
  findLine: statement(
    'invoice_find_line',
    `select reference, amount_minor as "amountMinor", currency from holdfast_invoices.statement_lines where id = $1`,
  ),
  /** `$1` line, `$2` reference, `$3` amount, `$4` currency, `$5` booking time or null for now, `$6` actor. */
  book: statement(
    'invoice_book_line',
    `with line as (
       insert into holdfast_invoices.statement_lines (id, reference, amount_minor, currency, booked_at, actor)
       values ($1, $2, $3::bigint, $4, coalesce($5::timestamptz, now()), $6))
     update holdfast_invoices.invoices set balance_minor = balance_minor + $3::bigint where reference = $2`,
  ),
  open: statement(
    'invoices_open',
    `select ${columns} from holdfast_invoices.invoices where status = 'issued' order by number limit ${listMax}`,
  ),
  /** In random order, so an invoice that cannot be captured yet does not delay the others. */
  paid: statement(
    'invoices_paid',
    `select ${columns} from holdfast_invoices.invoices where status = 'issued' and balance_minor >= amount_minor
     order by random() limit ${announcedMax}`,
  ),
  owed: statement(
    'invoices_owed',
    `select ${columns} from holdfast_invoices.invoices
     where balance_minor > case status when 'captured' then amount_minor - refunded_minor when 'issued' then amount_minor else 0 end
     order by number limit ${listMax}`,
  ),
  /** `$1` since, `$2` the last reference of the previous page or null. */
  list: statement(
    'invoices_list',
    `select ${columns} from holdfast_invoices.invoices
     where issued_at >= $1::timestamptz and currency <> '${noCurrency}'
       and number < coalesce((select number from holdfast_invoices.invoices where reference = $2), 9223372036854775807)
     order by number desc limit ${pageSize}`,
  ),
} as const

export async function readInvoice(db: Queryable, reference: string): Promise<InvoiceRow | null> {
  return (await db.query<InvoiceRow>(books.read, [reference]))[0] ?? null
}

/** The part of the balance that the shop may keep: nothing after the invoice ended, at most its amount. Minor units. */
function keptMinor({ status, amountMinor, balanceMinor, refundedMinor }: InvoiceRow): number {
  switch (status) {
    case 'captured':
      return amountMinor - refundedMinor
    case 'issued':
      return Math.min(balanceMinor, amountMinor)
    case 'voided':
    case 'lapsed':
      return 0
    default:
      return status satisfies never
  }
}

/** The part of the balance that an operator must pay back. Minor units. */
export const owedMinor = (invoice: InvoiceRow): number => invoice.balanceMinor - keptMinor(invoice)
