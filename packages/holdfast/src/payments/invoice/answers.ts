/** The invoice gateway's answers to each operation, in every state of its invoice. Pure. */
import type { CaptureRequest, GatewayAnswer, GatewayPayment, RefundRequest } from '../gateway.ts'
import { type InvoiceRow, owedMinor, type RefundRow } from './books.ts'

/** An invoice as operators see it. Amounts are in minor units of its currency, times in ISO 8601. */
export interface Invoice {
  /** ISO 11649: "RF69100001". */
  reference: string
  checkoutId: string
  /** `issued`: waits for its money. `captured`: paid, and so is the order. `lapsed`: not paid in time. */
  status: 'issued' | 'captured' | 'voided' | 'lapsed'
  amountMinor: number
  currency: string
  /** Received minus paid back. */
  receivedMinor: number
  /** Still to be paid by the buyer. */
  missingMinor: number
  /** Refunded by the shop. */
  refundedMinor: number
  /** To be paid back by an operator: refunds, overpayments, and money that came for an order that had ended. */
  owedMinor: number
  issuedAt: string
  dueAt: string
}

const messages = {
  method_not_supported: 'An invoice can only be paid by bank transfer.',
  idempotency_mismatch: 'This idempotency key was used with different parameters.',
  payment_not_found: 'The invoice does not exist.',
  voided: 'The invoice has been voided.',
  authorization_ended: 'The invoice was not paid in time.',
  already_captured: 'The invoice has already been paid.',
  amount_mismatch: 'The amount differs from that of the invoice.',
  not_captured: 'The invoice has not been paid.',
  already_refunded: 'The invoice has already been refunded in full.',
  refund_exceeds_capture: 'The amount exceeds what is left of the invoice.',
} as const
type DeclineCode = keyof typeof messages

export const declined = (code: DeclineCode, reference?: string): GatewayAnswer => ({
  outcome: 'declined',
  code,
  message: messages[code],
  ...(reference === undefined ? {} : { reference }),
})

export const succeeded = ({ reference, currency }: Pick<InvoiceRow, 'reference' | 'currency'>, amountMinor: number) =>
  ({ outcome: 'succeeded', reference, amountMinor, currency }) as const

const pollMaxMs = 3_600_000

/** `becomes` is the invoice's new status; null leaves it unchanged. */
export function captureOf(
  invoice: InvoiceRow,
  call: Pick<CaptureRequest, 'idempotencyKey' | 'amountMinor' | 'currency'>,
): { answer: GatewayAnswer; becomes: 'captured' | 'lapsed' | null } {
  const { reference, amountMinor, currency } = invoice
  const stays = (answer: GatewayAnswer) => ({ answer, becomes: null })
  if (call.amountMinor !== amountMinor || call.currency !== currency) return stays(declined('amount_mismatch'))
  switch (invoice.status) {
    case 'voided':
      return stays(declined('voided', reference))
    case 'lapsed':
      return stays(declined('authorization_ended', reference))
    case 'captured': {
      const isRepeated = invoice.captureKey === call.idempotencyKey
      return stays(isRepeated ? succeeded(invoice, amountMinor) : declined('already_captured', reference))
    }
    case 'issued':
      if (invoice.balanceMinor >= amountMinor) return { answer: succeeded(invoice, amountMinor), becomes: 'captured' }
      return invoice.isDue
        ? { answer: declined('authorization_ended', reference), becomes: 'lapsed' }
        : stays({ outcome: 'pending', reference, pollAfterMs: Math.min(pollMaxMs, invoice.leftMs) })
    default:
      return invoice.status satisfies never
  }
}

/** Why a refund is declined, or null. */
export function refundRefusal(invoice: InvoiceRow, { amountMinor }: RefundRequest): DeclineCode | null {
  if (invoice.status !== 'captured') return 'not_captured'
  const leftMinor = invoice.amountMinor - invoice.refundedMinor
  if (leftMinor === 0) return 'already_refunded'
  return amountMinor > leftMinor ? 'refund_exceeds_capture' : null
}

/** The answer to a refund that is already recorded. */
export function refundAnswer(refund: RefundRow): GatewayAnswer {
  return refund.declineCode === null
    ? succeeded(refund, refund.amountMinor)
    : declined(refund.declineCode as DeclineCode, refund.reference)
}

export function invoiceOf(row: InvoiceRow): Invoice {
  const { reference, checkoutId, status, amountMinor, currency, balanceMinor, refundedMinor, issuedAt, dueAt } = row
  const missingMinor = status === 'issued' ? Math.max(0, amountMinor - balanceMinor) : 0
  return {
    ...{ reference, checkoutId, status, amountMinor, currency, receivedMinor: balanceMinor, missingMinor },
    ...{ refundedMinor, owedMinor: owedMinor(row), issuedAt, dueAt },
  }
}

const bookStatus = { issued: 'authorized', captured: 'captured', voided: 'ended', lapsed: 'ended' } as const

/** The invoice in the form that reconciliation reads. */
export function paymentOf(invoice: InvoiceRow): GatewayPayment {
  const { reference, checkoutId, status, currency, amountMinor, refundedMinor, issuedAt: createdAt } = invoice
  return {
    ...{ reference, checkoutId, status: bookStatus[status], currency },
    openMinor: status === 'issued' ? amountMinor : 0,
    capturedMinor: status === 'captured' ? amountMinor : 0,
    ...{ refundedMinor, disputes: [], createdAt },
  }
}
