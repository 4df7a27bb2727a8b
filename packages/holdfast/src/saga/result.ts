/** What a checkout at rest means to whoever asked. */

import type { CheckoutRow } from '../database/checkout-row.ts'
import { lockOf } from '../database/checkouts.ts'
import type { Order } from '../domain/order.ts'
import type { Outcome } from '../domain/outcome.ts'

/** How soon to ask again where no time is set. Milliseconds. */
const pollDefaultMs = 1_000
const pollMaxMs = 10_000

/** `order` is the checkout's, where it has come to one. */
export function resultOf(row: CheckoutRow, order: Order | null): Outcome {
  const lock = lockOf(row)
  switch (row.state) {
    case 'completed':
      if (order === null) throw new Error(`checkout ${row.id} is completed and has no order`)
      return { status: 'completed', lock, order }
    case 'awaiting_capture':
      if (order === null) throw new Error(`checkout ${row.id} waits for its capture and has no order`)
      return { status: 'awaiting_capture', lock, order }
    case 'failed':
      if (row.failure === null) throw new Error(`checkout ${row.id} failed without a reason`)
      return { status: 'failed', lock, failure: row.failure }
    case 'awaiting_action':
      return row.action === null
        ? { status: 'processing', lock, pollAfterMs: pollDefaultMs }
        : { status: 'action_required', lock, action: row.action }
    case 'rolling_back':
      // The reason is known and will not change, though the gateway has not let go yet.
      return row.failure === null
        ? { status: 'processing', lock, pollAfterMs: pollDefaultMs }
        : { status: 'failed', lock, failure: row.failure }
    case 'pending':
    case 'authorizing':
    case 'capturing':
      return { status: 'processing', lock, pollAfterMs: pollAfter(row) }
    default:
      return row.state satisfies never
  }
}

function pollAfter(row: CheckoutRow): number {
  if (row.wake_at === null || row.lease_owner !== null) return pollDefaultMs
  return Math.min(pollMaxMs, Math.max(250, Date.parse(row.wake_at) - Date.parse(row.now)))
}
