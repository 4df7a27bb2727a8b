/**
 * Drives a claim: ask the gateway, record what it said together with what follows, until the checkout rests. This is
 * the one control flow of a checkout: a live request, a recovery after a crash, a cancellation and an expiry all come
 * here, from whatever state they find. To know what happens after a crash, read `resumeFromState`.
 */
import type { GatewayAnswer } from '../payments/gateway.ts'
import { authorizePayment } from '../phases/4-authorize-payment.ts'
import { callGateway, canRepeat, lookUpCapture, operationOf } from './call-gateway.ts'
import { type SagaContext, sleep } from './context.ts'
import { authorizationEnded, expired } from './failures.ts'
import type { Lanes } from './lanes.ts'
import type { Evidence, Lease, Next } from './lease.ts'
import { settleOrphanVoid } from './orphaned-authorization.ts'
import { settleRefund } from './refunds/refund.ts'

export type Rest = Extract<Next, { kind: 'rests' | 'replaced' }>

/** A quick second question, after an answer that said nothing: most lost answers are there by then. */
export const secondCallAfterMs = 150
/** More visits than the longest legal way has. */
const visitsMax = 24

/** Carries a claim on until its checkout rests, or somebody else has it. */
export async function drive(context: SagaContext, lanes: Lanes, first: Next): Promise<Rest> {
  let next = first
  for (let visit = 0; visit < visitsMax; visit += 1) {
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
  throw new Error('a checkout went in circles')
}

/** What to do with a checkout that was taken over, by the state it rested in. */
export function resumeFromState(context: SagaContext, lease: Lease): Next {
  const { row } = lease
  switch (row.state) {
    case 'pending':
    case 'awaiting_action':
      // Taken only once their time is over: `seize` moves a buyer's answer on to `authorizing`.
      return { kind: 'unwinds', lease, failure: expired(row.state), evidence: null }
    case 'rolling_back':
      return row.failure === null || lease.undo === null || lease.undo.isNew
        ? { kind: 'unwinds', lease, failure: row.failure ?? expired(row.state), evidence: null }
        : { kind: 'continues', lease }
    case 'authorizing':
    case 'awaiting_capture':
    case 'capturing':
      if (row.state === 'capturing') alertWhenOld(context, lease, 'capture')
      return { kind: 'continues', lease }
    case 'completed':
    case 'failed':
      // A refund of unknown outcome, or the end of an orphan, is the only thing left to ask about.
      if (lease.undo === null) return { kind: 'rests', row, order: null }
      alertWhenOld(context, lease, lease.undo.kind)
      return { kind: 'continues', lease }
    default:
      return row.state satisfies never
  }
}

/** What is never given up must be in sight. */
function alertWhenOld(
  context: SagaContext,
  { row, ageMs, isPending }: Lease,
  kind: 'capture' | 'refund' | 'void',
): void {
  // Money that takes days is no unknown outcome: the gateway says that it waits.
  if (ageMs <= context.numbers.captureTimeoutMs || isPending === true) return
  context.log.error(`[Checkout] a ${kind} is of unknown outcome for too long`, {
    alert: 'outcome_unknown',
    lockId: row.id,
  })
}

/** Asks once (twice where the first said nothing) and submits what was said to the step that it belongs to. */
async function advance(context: SagaContext, lanes: Lanes, lease: Lease): Promise<Next> {
  if (lease.row.state === 'awaiting_capture') return lookBeforeUndoing(context, lanes, lease)
  const answer = await callWithSecondTry(context, lease)
  const evidence: Evidence = { ...operationOf(lease), answer }
  switch (lease.row.state) {
    case 'authorizing': {
      // Where the buyer had to act, the time that took is the lock's, which ends it too.
      const isOverdue = lease.row.action === null && lease.ageMs > context.numbers.authorizationTimeoutMs
      if (isOpen(answer) && isOverdue) {
        return { kind: 'unwinds', lease, failure: authorizePayment.unsettled('timeout'), evidence }
      }
      // What the gateway is known to have can be looked up again, also by who cannot ask for it.
      const canSettle = lease.reference !== null || canRepeat(context, lease)
      if (answer.outcome === 'unknown' && !canSettle) {
        return { kind: 'unwinds', lease, failure: authorizePayment.unsettled('cannot be repeated'), evidence }
      }
      const verdict = authorizePayment.decide(lease.row, answer, 0)
      if (verdict.to === 'unwind') return { kind: 'unwinds', lease, failure: verdict.failure, evidence }
      return lanes.place.submit({ lease, evidence })
    }
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
      throw new Error(`nothing is asked of the gateway in state ${lease.row.state}`)
  }
}

/**
 * Its authorization is about to end. Where people took the money at the gateway itself, the order is paid: it goes on as
 * if they had asked for it here. While the gateway does not say, nothing is undone; the lease runs out, and it is due again.
 */
async function lookBeforeUndoing(context: SagaContext, lanes: Lanes, lease: Lease): Promise<Next> {
  const found = await lookUpCapture(context, lease)
  const { id: lockId, epoch, total_minor: totalMinor, currency } = lease.row
  // Another amount is no payment of the order: it is given back.
  const isOther = found.outcome === 'succeeded' && (found.amountMinor !== totalMinor || found.currency !== currency)
  if (found.outcome === 'not_found' || found.outcome === 'declined' || isOther) {
    return { kind: 'unwinds', lease, failure: authorizationEnded(), evidence: null }
  }
  if (found.outcome !== 'succeeded') return { kind: 'replaced' }
  const taken = await lanes.takeOver.submit({ lockId, want: 'capture', epoch })
  return taken.kind === 'leased' ? { kind: 'continues', lease: taken.lease } : { kind: 'replaced' }
}

async function callWithSecondTry(context: SagaContext, lease: Lease): Promise<GatewayAnswer> {
  const answer = await callGateway(context, lease)
  if (answer.outcome !== 'unknown' || !lease.fresh) return answer
  await sleep(context.clock, secondCallAfterMs)
  return callGateway(context, { ...lease, fresh: false })
}

function isOpen(answer: GatewayAnswer): boolean {
  return answer.outcome === 'unknown' || answer.outcome === 'not_executed' || answer.outcome === 'pending'
}
