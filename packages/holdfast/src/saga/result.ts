/** Maps a resting checkout to the result returned to the caller. */

import type { CheckoutRow } from '../database/checkout-row.ts'
import { lockOf } from '../database/checkouts.ts'
import type { Order } from '../domain/order.ts'
import type { Outcome } from '../domain/outcome.ts'

/** When the caller should poll again, if the checkout has no due time. Milliseconds. */
const pollDefaultMs = 1_000
const pollMaxMs = 10_000

/** @param order the checkout's order; required for `completed` and `awaiting_capture`. */
export function resultOf(row: CheckoutRow, order: Order | null): Outcome {
  const lock = lockOf(row)
  switch (row.state) {
    case 'completed':
      if (order === null) throw new Error(`checkout ${row.id} is completed but has no order`)
      return { status: 'completed', lock, order }
    case 'awaiting_capture':
      if (order === null) throw new Error(`checkout ${row.id} awaits capture but has no order`)
      return { status: 'awaiting_capture', lock, order }
    case 'failed':
      if (row.failure === null) throw new Error(`checkout ${row.id} failed without a reason`)
      return { status: 'failed', lock, failure: row.failure }
    case 'awaiting_action':
      return row.action === null
        ? { status: 'processing', lock, pollAfterMs: pollDefaultMs }
        : { status: 'action_required', lock, action: row.action }
    case 'rolling_back':
      // The failure is final, although the gateway has not confirmed the void or refund yet.
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
