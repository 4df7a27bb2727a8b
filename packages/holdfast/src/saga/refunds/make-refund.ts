/** Makes a refund: writes or finds its intent, drives it, and reports what its own record says. Protects A2. */

import type { RefundOutcome } from '../../engine/checkout-engine.ts'
import { readOperations } from '../../payments/operations.ts'
import { readOrders } from '../../shop/orders/orders.ts'
import type { SagaContext } from '../context.ts'
import { drive, resumeFromState } from '../drive.ts'
import type { Lanes } from '../lanes.ts'
import { intendRefund, type RefundItem } from './refund.ts'

/** @throws {CheckoutError} `not_refundable` with what can be refunded. */
export async function makeRefund(context: SagaContext, lanes: Lanes, item: RefundItem): Promise<RefundOutcome> {
  const { db } = context
  const intent = await intendRefund(context, item)
  if (intent.kind === 'leased') await drive(context, lanes, { kind: 'continues', lease: intent.lease })
  if (intent.kind === 'in_progress') {
    // The worker that began this refund may be gone, so a repeated request settles it itself if the lease is free.
    const taken = await lanes.takeOver.submit({ lockId: item.checkoutId, want: 'refund' })
    if (taken.kind === 'leased') await drive(context, lanes, resumeFromState(context, taken.lease))
  }
  const [operations, orders] = await Promise.all([
    readOperations(db, [item.checkoutId]),
    readOrders(db, [intent.order.id]),
  ])
  const order = orders.get(intent.order.id) ?? intent.order
  const refund = { order, refundedMinor: intent.refund.amountMinor, lines: intent.refund.lines }
  if (intent.kind === 'done') return { status: 'refunded', ...refund, message: 'This refund was already made.' }
  // Find the record by its attempt: another refund may have been made meanwhile.
  const record = operations.find(({ kind, attempt }) => kind === 'refund' && attempt === intent.attempt)
  switch (record?.status) {
    case 'succeeded':
      return { status: 'refunded', ...refund, message: 'Refunded.' }
    case 'declined':
      return { status: 'failed', order, refundedMinor: 0, lines: [], message: 'The gateway declined the refund.' }
    default: {
      const message = 'The gateway has not confirmed the refund yet. It is retried automatically.'
      return { status: 'processing', ...refund, message }
    }
  }
}
