/**
 * The invoice gateway: an authorization is an invoice with a reference that the buyer writes on a bank transfer, and its
 * capture waits until people (or a bank's interface) say that the money came. Protects A2 and A4 with books of its own:
 * one key one invoice, captured once and only when all of it is there, never another amount than was asked for.
 */

import type { Database, Transaction } from '../../database/database.ts'
import { readIban, readReference } from '../../domain/creditor-reference.ts'
import type { AuthorizeRequest, GatewayAnswer, LookupAnswer, LookupRequest, PaymentGateway } from '../gateway.ts'
import {
  captureOf,
  declined,
  type Invoice,
  invoiceOf,
  paymentOf,
  refundAnswer,
  refundRefusal,
  succeeded,
} from './invoice-answers.ts'
import { books, type InvoiceRow, type RefundRow, readInvoice } from './invoice-books.ts'
import { bookLine, refuse, type StatementLine } from './statement-lines.ts'

export type { Invoice, StatementLine }

export interface InvoiceOptions {
  /** Where its books are (schema `holdfast_invoices`): the shop's own database. It is the caller's to close. */
  database: Database
  /** Whole days until an invoice lapses and its stock is released, 1 to 365. Default 14. */
  dueDays?: number
  /** The account that buyers pay to. Default: the shop tells it elsewhere. */
  iban?: string | null
  accountHolder?: string | null
  /**
   * Told of a checkout whose invoice is paid, again and again until it is captured:
   * `checkoutId => engine.captureCheckout(checkoutId)`. What it throws is taken for "not yet".
   */
  onPaid?(checkoutId: string, reference: string): Promise<unknown>
  /** How often `start` looks for paid invoices that nobody captured, in milliseconds. Default 1,000. */
  pollMs?: number
}

export interface InvoiceGateway extends PaymentGateway {
  /**
   * Records money that came in. A part is kept and the invoice waits for the rest; too much is owed to the buyer; all of
   * it lets the checkout complete. The same line again changes nothing.
   * @throws {CheckoutError} `invalid_argument`: a reference that is mistyped or nobody's, another currency, an id that
   * stands for another line.
   */
  markPaid(reference: string, line: StatementLine): Promise<Invoice>
  /**
   * Records money that was sent back.
   * @throws {CheckoutError} `invalid_argument`, also for more than is owed.
   */
  markPaidBack(reference: string, line: StatementLine): Promise<Invoice>
  /** Null where there is none. The reference may be typed with gaps and in small letters. */
  invoice(reference: string): Promise<Invoice | null>
  /** What waits for its money, oldest first, at most 1,000. */
  openInvoices(): Promise<Invoice[]>
  /** What money is owed on, oldest first, at most 1,000. */
  payoutsDue(): Promise<Invoice[]>
  /** Tells `onPaid` of what is paid and not captured, up to a hundred; gives how many it took. */
  runOnce(): Promise<number>
  /** Does that by itself from now on, until `close`. */
  start(): void
  close(): Promise<void>
}

const notFound: LookupAnswer = { outcome: 'not_found' }

/** @throws {CheckoutError} `invalid_argument` for days or an IBAN that cannot be. */
export function createInvoiceGateway(options: InvoiceOptions): InvoiceGateway {
  const { database, dueDays = 14, accountHolder = null, onPaid } = options
  if (!(Number.isInteger(dueDays) && dueDays >= 1 && dueDays <= 365)) refuse('dueDays must be 1 to 365.')
  const given = options.iban ?? null
  const iban = given === null ? null : (readIban(given) ?? refuse('iban is no IBAN; is it mistyped?'))

  function authorizationOf(invoice: InvoiceRow): GatewayAnswer {
    const { reference, amountMinor, dueAt } = invoice
    if (invoice.status === 'voided') return declined('voided', reference)
    const transfer = { reference, iban, accountHolder, dueAt }
    return { ...succeeded(invoice, amountMinor), validUntil: dueAt, transfer }
  }

  async function find(key: string, reference: string | null, checkoutId: string): Promise<InvoiceRow | null> {
    return (await database.query<InvoiceRow>(books.find, [key, reference, checkoutId]))[0] ?? null
  }

  /** Decides on an invoice under its lock. */
  function decide(
    { reference, checkoutId }: { reference: string; checkoutId: string },
    decision: (tx: Transaction, invoice: InvoiceRow) => Promise<GatewayAnswer> | GatewayAnswer,
  ): Promise<GatewayAnswer> {
    return database.transaction(async tx => {
      const [invoice] = await tx.query<InvoiceRow>(books.lock, [reference])
      return invoice?.checkoutId === checkoutId ? decision(tx, invoice) : declined('payment_not_found')
    })
  }

  async function authorize(call: AuthorizeRequest): Promise<GatewayAnswer> {
    const { idempotencyKey, checkoutId, amountMinor, currency } = call
    if (call.method !== 'bank_transfer') return declined('method_not_supported')
    await database.query(books.issue, [idempotencyKey, checkoutId, amountMinor, currency, dueDays])
    const invoice = await find(idempotencyKey, null, checkoutId)
    const isSame = invoice?.amountMinor === amountMinor && invoice.currency === currency
    return invoice !== null && (isSame || invoice.status === 'voided')
      ? authorizationOf(invoice)
      : declined('idempotency_mismatch')
  }

  async function lookup({ kind, idempotencyKey, reference, checkoutId }: LookupRequest): Promise<LookupAnswer> {
    const invoice = await find(kind === 'authorize' ? idempotencyKey : '', reference, checkoutId)
    if (invoice === null) return notFound
    switch (kind) {
      case 'authorize':
        return authorizationOf(invoice)
      case 'capture':
        return invoice.status === 'captured' ? succeeded(invoice, invoice.amountMinor) : notFound
      case 'void':
        return invoice.status === 'voided' ? succeeded(invoice, invoice.amountMinor) : notFound
      case 'refund': {
        const [known] = await database.query<RefundRow>(books.findRefund, [idempotencyKey])
        if (known !== undefined) return refundAnswer(known)
        const isWhole = invoice.refundedMinor > 0 && invoice.refundedMinor === invoice.amountMinor
        return isWhole ? succeeded(invoice, invoice.refundedMinor) : notFound
      }
      default:
        return kind satisfies never
    }
  }

  /** It stays to be told until it is captured: nothing is lost where this fails. */
  async function tell({ checkoutId, reference }: InvoiceRow): Promise<boolean> {
    try {
      await onPaid?.(checkoutId, reference)
      return onPaid !== undefined
    } catch {
      return false
    }
  }

  async function markPaid(reference: string, line: StatementLine): Promise<Invoice> {
    const invoice = await bookLine(database, reference, line, 1)
    if (invoice.status === 'issued' && invoice.balanceMinor >= invoice.amountMinor) await tell(invoice)
    return invoiceOf((await readInvoice(database, invoice.reference)) ?? invoice)
  }

  async function runOnce(): Promise<number> {
    if (onPaid === undefined) return 0
    const told = await Promise.all((await database.query<InvoiceRow>(books.paid)).map(tell))
    return told.filter(Boolean).length
  }

  const read = async (reference: string | null) => (reference === null ? null : readInvoice(database, reference))

  return {
    name: 'invoice',
    paidLater: true,
    // The books forget nothing.
    keyMemoryMs: Number.POSITIVE_INFINITY,
    authorize,
    lookup,
    capture: call =>
      decide(call, (tx, invoice) => {
        const { answer, becomes } = captureOf(invoice, call)
        if (becomes === 'captured') tx.send(books.capture, [invoice.reference, call.idempotencyKey])
        if (becomes === 'lapsed') tx.send(books.lapse, [invoice.reference])
        return answer
      }),
    async void({ authorizationKey, checkoutId }) {
      const [invoice] = await database.query<InvoiceRow>(books.end, [authorizationKey, checkoutId])
      if (invoice === undefined) return declined('payment_not_found')
      if (invoice.status === 'captured') return declined('already_captured', invoice.reference)
      return succeeded(invoice, invoice.amountMinor)
    },
    refund: call =>
      decide(call, async (tx, invoice) => {
        const { idempotencyKey, reference, amountMinor, currency } = call
        if (currency !== invoice.currency) return declined('amount_mismatch')
        const [known] = await tx.query<RefundRow>(books.findRefund, [idempotencyKey])
        if (known !== undefined) {
          const isSame = known.reference === reference && known.amountMinor === amountMinor
          return isSame ? refundAnswer(known) : declined('idempotency_mismatch')
        }
        const declineCode = refundRefusal(invoice, call)
        tx.send(books.refund, [idempotencyKey, reference, amountMinor, currency, declineCode])
        return refundAnswer({ reference, amountMinor, currency, declineCode })
      }),
    async inspect(reference) {
      const invoice = await readInvoice(database, reference)
      return invoice === null ? null : paymentOf(invoice)
    },
    list: async ({ since, after }) =>
      (await database.query<InvoiceRow>(books.list, [since.toISOString(), after])).map(paymentOf),

    markPaid,
    markPaidBack: async (reference, line) => invoiceOf(await bookLine(database, reference, line, -1)),
    async invoice(typed) {
      const invoice = await read(readReference(typed))
      return invoice === null ? null : invoiceOf(invoice)
    },
    openInvoices: async () => (await database.query<InvoiceRow>(books.open)).map(invoiceOf),
    payoutsDue: async () => (await database.query<InvoiceRow>(books.owed)).map(invoiceOf),
    runOnce,
    ...repeating(runOnce, options.pollMs ?? 1_000),
  }
}

/** Runs `work` every so often, never twice at once; what fails is done by the next run. */
function repeating(work: () => Promise<unknown>, everyMs: number): Pick<InvoiceGateway, 'start' | 'close'> {
  let timer: NodeJS.Timeout | null = null
  let working: Promise<void> | null = null
  const run = async () => {
    await work().catch(() => {})
    working = null
  }
  return {
    start() {
      timer ??= setInterval(() => {
        working ??= run()
      }, everyMs).unref()
    },
    async close() {
      if (timer !== null) clearInterval(timer)
      await working
    },
  }
}
