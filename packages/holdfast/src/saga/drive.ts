/**
 * The one control flow of a checkout: call the gateway, record its answer with the consequences, repeat until the
 * checkout rests. Live requests, recovery, cancellation, and expiry all run it, from any state. `resumeFromState` says
 * what happens after a crash.
 */
import type { GatewayAnswer } from '../payments/gateway.ts'
import { authorizePayment, unsettledAuthorization } from '../phases/4-authorize-payment.ts'
import { callGateway, canRepeat, lookUpCapture, operationOf } from './call-gateway.ts'
import { backoffMs, type SagaContext, sleep } from './context.ts'
import { authorizationEnded, expired } from './failures.ts'
import type { Lanes } from './lanes.ts'
import type { Evidence, Lease, Next } from './lease.ts'
import { settleOrphanVoid } from './orphaned-authorization.ts'
import { settleRefund } from './refunds/refund.ts'

export type Rest = Extract<Next, { kind: 'rests' | 'replaced' }>

/** Pause before the second call after an unknown outcome, milliseconds. Most lost answers are available by then. */
export const secondCallAfterMs = 150
/** More rounds than the longest legal path takes. */
const roundsMax = 24

/** Works on a leased checkout until it rests, or until another worker has taken over. */
export async function drive(context: SagaContext, lanes: Lanes, first: Next): Promise<Rest> {
  let next = first
  for (let round = 0; round < roundsMax; round += 1) {
    switch (next.kind) {
      case 'rests':
        context.announce([next.row])
        return next
      case 'replaced':
        return next
      case 'unwinds':
        next = await lanes.unwind.submit(next)
        break
      case 'continues':
        context.announce([next.lease.row])
        next = await advance(context, lanes, next.lease)
        break
      default:
        return next satisfies never
    }
  }
  throw new Error(`a checkout did not rest after ${roundsMax} rounds`)
}

/** What to do with a checkout that was taken over, by its resting state. */
export function resumeFromState(context: SagaContext, lease: Lease): Next {
  const { row } = lease
  switch (row.state) {
    case 'pending':
    case 'awaiting_action':
      // These are taken over only after they expired; before that, `takeOver` moves `awaiting_action` to `authorizing`.
      return { kind: 'unwinds', lease, failure: expired(row.state), evidence: null }
    case 'rolling_back':
      return row.failure === null || lease.undo === null || lease.undo.isNew
        ? { kind: 'unwinds', lease, failure: row.failure ?? expired(row.state), evidence: null }
        : { kind: 'continues', lease }
    case 'authorizing':
    case 'awaiting_capture':
    case 'capturing':
      if (row.state === 'capturing') alertIfOverdue(context, lease, 'capture')
      return { kind: 'continues', lease }
    case 'completed':
    case 'failed':
      // Only a refund of unknown outcome, or the void of an orphaned authorization, can still be open.
      if (lease.undo === null) return { kind: 'rests', row, order: null }
      alertIfOverdue(context, lease, lease.undo.kind)
      return { kind: 'continues', lease }
    default:
      return row.state satisfies never
  }
}

/** These operations are never abandoned, so an operator must see one that stays unsettled. */
function alertIfOverdue(
  context: SagaContext,
  { row, ageMs, isPending }: Lease,
  kind: 'capture' | 'refund' | 'void',
): void {
  // `pending` is a definite answer: the gateway confirms that the operation is in progress, possibly for days.
  if (ageMs <= context.numbers.captureTimeoutMs || isPending === true) return
  context.log.error(`[Checkout] ${kind} outcome unknown for too long`, { alert: 'outcome_unknown', lockId: row.id })
}

/** Calls the gateway for the checkout's state and submits the answer to the step that records it. */
async function advance(context: SagaContext, lanes: Lanes, lease: Lease): Promise<Next> {
  if (lease.row.state === 'awaiting_capture') return endAuthorization(context, lanes, lease)
  const answer = await callWithSecondTry(context, lease)
  const evidence: Evidence = { ...operationOf(lease), answer }
  switch (lease.row.state) {
    case 'authorizing':
      return submitAuthorization(context, lanes, lease, evidence)
    case 'capturing':
      return lanes.settle.submit({ lease, evidence })
    case 'rolling_back':
      return lanes.unwind.submit({ lease, failure: null, evidence })
    case 'completed':
    case 'failed':
      return lease.undo?.kind === 'void'
        ? settleOrphanVoid(context, { lease, evidence })
        : settleRefund(context, { lease, evidence })
    default:
      throw new Error(`state "${lease.row.state}" has no gateway operation`)
  }
}

/** Decides what the answer to an authorization means: abandon it, undo it, or let `place` record it. */
async function submitAuthorization(
  context: SagaContext,
  lanes: Lanes,
  lease: Lease,
  evidence: Evidence,
): Promise<Next> {
  const { answer } = evidence
  const { row } = lease
  // If the buyer had to act, the expiry of the lock limits the time instead.
  const isOverdue = row.action === null && lease.ageMs > context.numbers.authorizationTimeoutMs
  if (isOpen(answer) && isOverdue) {
    return { kind: 'unwinds', lease, failure: unsettledAuthorization('timeout'), evidence }
  }
  // A payment with a reference can be looked up later, even by a process that cannot repeat the authorization.
  const canSettle = lease.reference !== null || canRepeat(context, lease)
  if (answer.outcome === 'unknown' && !canSettle) {
    return { kind: 'unwinds', lease, failure: unsettledAuthorization('cannot be repeated'), evidence }
  }
  const verdict = authorizePayment.decide(row, answer, backoffMs(context, row.tries))
  if (verdict.to === 'unwind') return { kind: 'unwinds', lease, failure: verdict.failure, evidence }
  return lanes.place.submit({ lease, evidence, verdict })
}

/**
 * Ends an authorization that is about to expire uncaptured. If an operator captured it at the gateway, the checkout
 * continues as if the capture had been requested here. While the gateway gives no answer nothing is undone: the lease
 * expires and the checkout is due again.
 */
async function endAuthorization(context: SagaContext, lanes: Lanes, lease: Lease): Promise<Next> {
  const found = await lookUpCapture(context, lease)
  const { id: lockId, epoch, total_minor: totalMinor, currency } = lease.row
  // A different amount does not pay for the order. The rollback refunds it.
  const isOther = found.outcome === 'succeeded' && (found.amountMinor !== totalMinor || found.currency !== currency)
  if (found.outcome === 'not_found' || found.outcome === 'declined' || isOther) {
    return { kind: 'unwinds', lease, failure: authorizationEnded(), evidence: null }
  }
  if (found.outcome !== 'succeeded') return { kind: 'replaced' }
  const taken = await lanes.takeOver.submit({ lockId, want: 'capture', epoch })
  return taken.kind === 'leased' ? { kind: 'continues', lease: taken.lease } : { kind: 'replaced' }
}

/** Calls the gateway, and once more after a short pause if the outcome of a fresh operation is unknown. */
async function callWithSecondTry(context: SagaContext, lease: Lease): Promise<GatewayAnswer> {
  const answer = await callGateway(context, lease)
  if (answer.outcome !== 'unknown' || !lease.fresh) return answer
  await sleep(context.clock, secondCallAfterMs)
  return callGateway(context, { ...lease, fresh: false })
}

function isOpen(answer: GatewayAnswer): boolean {
  return answer.outcome === 'unknown' || answer.outcome === 'not_executed' || answer.outcome === 'pending'
}
