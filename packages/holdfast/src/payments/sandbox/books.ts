/** The sandbox's books for reconciliation: one payment, or all payments since a time, newest first. */
import { type Database, statement } from '../../database/database.ts'
import type { GatewayPayment } from '../gateway.ts'
import { ledgerNow, type SandboxClock } from './ledger.ts'
import type { PaymentStatus } from './payment.ts'

const pageMax = 100

const columns = `id as reference, checkout_id as "checkoutId", status, amount_minor as "amountMinor", currency,
  captured_minor as "capturedMinor", refunded_minor as "refundedMinor", valid_until as "validUntil", disputes,
  created_at as "createdAt"`
// A payment under way cannot be read yet, and one that was fenced before it arrived never existed.
const exists = `status <> 'in_flight' and method is not null`

const inspectPayment = statement(
  'sandbox_inspect_payment',
  `select ${columns} from holdfast_sandbox.payments where id = $1 and ${exists}`,
)
const listPayments = statement(
  'sandbox_list_payments',
  `select ${columns} from holdfast_sandbox.payments
   where created_at >= $1::timestamptz and ${exists} and ($2::text is null
     or (created_at, id) < (select created_at, id from holdfast_sandbox.payments where id = $2))
   order by created_at desc, id desc limit $3::int`,
)

interface BookRow {
  reference: string
  checkoutId: string
  status: PaymentStatus
  amountMinor: number
  currency: string
  capturedMinor: number
  refundedMinor: number
  validUntil: string | null
  disputes: GatewayPayment['disputes']
  createdAt: string
}

function statusOf({ status, validUntil }: BookRow, nowMs: number): GatewayPayment['status'] {
  switch (status) {
    case 'in_flight':
    case 'action_required':
    case 'pending':
      return 'unconfirmed'
    case 'authorized':
      return validUntil !== null && Date.parse(validUntil) <= nowMs ? 'ended' : 'authorized'
    case 'captured':
      return 'captured'
    case 'voided':
    case 'declined':
      return 'ended'
    default:
      return status satisfies never
  }
}

function paymentOf(row: BookRow, nowMs: number): GatewayPayment {
  const { reference, checkoutId, currency, capturedMinor, refundedMinor, disputes, createdAt } = row
  const status = statusOf(row, nowMs)
  const openMinor = status === 'authorized' ? row.amountMinor : 0
  return { reference, checkoutId, status, currency, openMinor, capturedMinor, refundedMinor, disputes, createdAt }
}

export async function inspectSandbox(
  database: Database,
  reference: string,
  clock: SandboxClock,
): Promise<GatewayPayment | null> {
  const [[row], nowMs] = await Promise.all([
    database.query<BookRow>(inspectPayment, [reference]),
    ledgerNow(database, clock),
  ])
  return row === undefined ? null : paymentOf(row, nowMs)
}

export async function listSandbox(
  database: Database,
  { since, after }: { since: Date; after: string | null },
  clock: SandboxClock,
): Promise<GatewayPayment[]> {
  const [rows, nowMs] = await Promise.all([
    database.query<BookRow>(listPayments, [since.toISOString(), after, pageMax]),
    ledgerNow(database, clock),
  ])
  return rows.map(row => paymentOf(row, nowMs))
}
