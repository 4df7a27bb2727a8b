/**
 * The invoice gateway: an authorization issues an invoice with a reference that the buyer writes on a bank transfer. The
 * capture waits until an operator or a bank interface reports the money.
 */

import { backgroundTimer, createWorkerLoop } from '../../concurrency/worker-loop.ts'
import type { Database } from '../../database/database.ts'
import { readIban, readReference } from '../../domain/creditor-reference.ts'
import type { PaymentGateway } from '../gateway.ts'
import { type Invoice, invoiceOf } from './answers.ts'
import { books, type InvoiceRow, readInvoice } from './books.ts'
import { invoiceCalls } from './calls.ts'
import { bookLine, rejectArgument, type StatementLine } from './statement-lines.ts'

export type { Invoice, StatementLine }

export interface InvoiceOptions {
  /** The database of the books (schema `holdfast_invoices`): the shop's own database. The caller closes it. */
  database: Database
  /** Whole days until an invoice lapses and its stock is released, 1 to 365. Default 14. */
  dueDays?: number
  /** The account that buyers pay to. Default null: the shop communicates it elsewhere. */
  iban?: string | null
  accountHolder?: string | null
  /**
   * Called with a checkout whose invoice is paid, repeatedly until it is captured:
   * `checkoutId => engine.captureCheckout(checkoutId)`. If it throws, it is called again later.
   */
  onPaid?(checkoutId: string, reference: string): Promise<unknown>
  /** Pause between two searches for paid invoices after `start`, in milliseconds. Default 1,000. */
  pollMs?: number
}

export interface InvoiceGateway extends PaymentGateway {
  /**
   * Records received money. After a part, the invoice waits for the rest. An overpayment is owed to the buyer. The full
   * amount completes the checkout. A repeated line changes nothing.
   * @throws {CheckoutError} `invalid_argument` for an unknown reference, a different currency, or a line ID that is
   * already used for a different line.
   */
  markPaid(reference: string, line: StatementLine): Promise<Invoice>
  /**
   * Records money that was paid back.
   * @throws {CheckoutError} `invalid_argument`, also for more than is owed.
   */
  markPaidBack(reference: string, line: StatementLine): Promise<Invoice>
  /** Returns an invoice, or null. The reference may contain spaces and lower-case letters. */
  invoice(reference: string): Promise<Invoice | null>
  /** Lists invoices that wait for money, oldest first, at most 1,000. */
  openInvoices(): Promise<Invoice[]>
  /** Lists invoices on which money is owed to the buyer, oldest first, at most 1,000. */
  payoutsDue(): Promise<Invoice[]>
  /** Calls `onPaid` for up to a hundred invoices that are paid and not captured. Returns how many calls succeeded. */
  runOnce(): Promise<number>
  /** Calls `runOnce` in the background until `close`. */
  start(): void
  close(): Promise<void>
}

/** @throws {CheckoutError} `invalid_argument` for an invalid `dueDays` or `iban`. */
export function createInvoiceGateway(options: InvoiceOptions): InvoiceGateway {
  const { database, dueDays = 14, accountHolder = null, onPaid, pollMs = 1_000 } = options
  if (!(Number.isInteger(dueDays) && dueDays >= 1 && dueDays <= 365)) {
    rejectArgument(`dueDays must be an integer from 1 to 365, not ${dueDays}`)
  }
  const given = options.iban ?? null
  const iban = given === null ? null : (readIban(given) ?? rejectArgument('iban is not a valid IBAN'))

  /** A failure loses nothing: the invoice stays paid and uncaptured, so the next turn announces it again. */
  async function announcePaid({ checkoutId, reference }: InvoiceRow): Promise<boolean> {
    try {
      await onPaid?.(checkoutId, reference)
      return onPaid !== undefined
    } catch {
      return false
    }
  }

  async function markPaid(reference: string, line: StatementLine): Promise<Invoice> {
    const invoice = await bookLine(database, reference, line, 1)
    if (invoice.status === 'issued' && invoice.balanceMinor >= invoice.amountMinor) await announcePaid(invoice)
    return invoiceOf((await readInvoice(database, invoice.reference)) ?? invoice)
  }

  async function runOnce(): Promise<number> {
    if (onPaid === undefined) return 0
    const announced = await Promise.all((await database.query<InvoiceRow>(books.paid)).map(announcePaid))
    return announced.filter(Boolean).length
  }

  const worker = createWorkerLoop({
    async turn() {
      await runOnce()
      return null
    },
    // The next turn finds the same invoices.
    onError: () => {},
    after: backgroundTimer,
    pauseMs: () => pollMs,
  })

  return {
    ...invoiceCalls(database, { dueDays, iban, accountHolder }),
    markPaid,
    markPaidBack: async (reference, line) => invoiceOf(await bookLine(database, reference, line, -1)),
    async invoice(typed) {
      const reference = readReference(typed)
      const invoice = reference === null ? null : await readInvoice(database, reference)
      return invoice === null ? null : invoiceOf(invoice)
    },
    openInvoices: async () => (await database.query<InvoiceRow>(books.open)).map(invoiceOf),
    payoutsDue: async () => (await database.query<InvoiceRow>(books.owed)).map(invoiceOf),
    runOnce,
    start: () => worker.start(),
    close: () => worker.stop(),
  }
}
