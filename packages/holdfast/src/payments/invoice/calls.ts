/**
 * The gateway calls of an invoice: one key issues one invoice, which is captured once, only when it is paid in full, and
 * only with its own amount. Protects A2 and A4.
 */

import type { Database, Transaction } from '../../database/database.ts'
import type { AuthorizeRequest, GatewayAnswer, LookupAnswer, LookupRequest, PaymentGateway } from '../gateway.ts'
import { captureOf, declined, paymentOf, refundAnswer, refundRefusal, succeeded } from './answers.ts'
import { books, type InvoiceRow, type RefundRow, readInvoice } from './books.ts'

const notFound: LookupAnswer = { outcome: 'not_found' }

export interface InvoiceTerms {
  dueDays: number
  iban: string | null
  accountHolder: string | null
}

export function invoiceCalls(database: Database, { dueDays, iban, accountHolder }: InvoiceTerms): PaymentGateway {
  function authorizationOf(invoice: InvoiceRow): GatewayAnswer {
    const { reference, amountMinor, dueAt } = invoice
    if (invoice.status === 'voided') return declined('voided', reference)
    const transfer = { reference, iban, accountHolder, dueAt }
    return { ...succeeded(invoice, amountMinor), validUntil: dueAt, transfer }
  }

  async function find(key: string, reference: string | null, checkoutId: string): Promise<InvoiceRow | null> {
    return (await database.query<InvoiceRow>(books.find, [key, reference, checkoutId]))[0] ?? null
  }

  /** Decides an operation while the invoice is locked. */
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

  return {
    name: 'invoice',
    paidLater: true,
    // The books forget no key.
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
  }
}
