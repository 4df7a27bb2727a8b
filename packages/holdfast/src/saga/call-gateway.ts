/**
 * Calls the gateway for the operation of a lease, outside every transaction. An operation that was requested before is
 * looked up first, and repeated only with its own key while the gateway still remembers that key. Protects A2 and A4.
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import type { CaptureRequest, GatewayAnswer, GatewayCall, LookupAnswer, OperationKind } from '../payments/gateway.ts'
import { normalizeAnswer } from '../payments/gateway-answers.ts'
import { idempotencyKey, keepReference } from '../payments/operations.ts'
import { callWithin, GatewayTimeout, type ObservedCall, type SagaContext } from './context.ts'
import type { Lease } from './lease.ts'

/** The operation that the leased checkout's state requires. */
export function operationOf(lease: Lease): { kind: OperationKind; attempt: number } {
  if (lease.undo !== null) return { kind: lease.undo.kind, attempt: lease.undo.attempt }
  return { kind: lease.row.state === 'capturing' ? 'capture' : 'authorize', attempt: 1 }
}

/**
 * Calls the gateway and returns what is known afterwards. `unknown` covers everything that leaves the outcome open: a
 * timeout, a broken connection, a malformed answer. Never throws for a gateway failure.
 */
export async function callGateway(context: SagaContext, lease: Lease): Promise<GatewayAnswer> {
  const { kind, attempt } = operationOf(lease)
  if (!isAtThisGateway(context, lease.row)) {
    return { outcome: 'unknown', message: `Gateway "${lease.row.gateway}" is not configured in this process.` }
  }
  const key = idempotencyKey(lease.row.id, kind, attempt)
  // A void needs no lookup: repeating it has no further effect.
  if (!lease.fresh && kind !== 'void') {
    const found = await observed(context, lease.row, kind, 'lookup', signal =>
      context.gateway.lookup({
        checkoutId: lease.row.id,
        kind,
        idempotencyKey: key,
        reference: lease.reference,
        signal,
      }),
    )
    if (found.outcome !== 'not_found' && !isDifferentRefund(lease, kind, found))
      return answerToOperation(context, lease, kind, found)
    if (isKeyForgotten(context, lease) && !isLimitedByGateway(kind, lease)) {
      return { outcome: 'unknown', message: 'The gateway has no record of this payment, and its key has expired.' }
    }
    if (kind === 'authorize' && !canRepeat(context, lease)) {
      return { outcome: 'unknown', message: 'The authorization cannot be repeated without its payment token.' }
    }
  }
  const answer = await observed(context, lease.row, kind, kind, signal =>
    call(context, lease, kind, { idempotencyKey: key, signal }),
  )
  if (answer.outcome === 'not_found')
    return { outcome: 'unknown', message: 'The gateway has no record of this payment.' }
  return answerToOperation(context, lease, kind, answer)
}

/** Looks up a capture that Holdfast has not requested; an operator may have captured at the gateway. */
export function lookUpCapture(context: SagaContext, { row, reference }: Lease): Promise<LookupAnswer> {
  const key = idempotencyKey(row.id, 'capture', 1)
  return observed(context, row, 'capture', 'lookup', signal =>
    context.gateway.lookup({ checkoutId: row.id, kind: 'capture', idempotencyKey: key, reference, signal }),
  )
}

/** True if the gateway may have forgotten the key, so a repetition would be a new request. */
function isKeyForgotten({ gateway }: SagaContext, { fresh, ageMs }: Lease): boolean {
  return !fresh && ageMs > gateway.keyMemoryMs
}

/** The decline codes of a gateway that has already executed the operation. */
const doneAlready: Partial<Record<OperationKind, string>> = { capture: 'already_captured', refund: 'already_refunded' }

/**
 * Reduces an answer to what it says about the operation itself. A declined repetition says nothing about the first
 * request if the parameters differed, or if the operation succeeded and its key has been forgotten since. Such an answer
 * becomes `unknown`; a later lookup finds the outcome.
 */
function answerToOperation(
  context: SagaContext,
  lease: Lease,
  kind: OperationKind,
  answer: GatewayAnswer,
): GatewayAnswer {
  if (answer.outcome !== 'declined') return answer
  const wasDoneBefore = isKeyForgotten(context, lease) && answer.code === doneAlready[kind]
  return wasDoneBefore || answer.code === 'idempotency_mismatch'
    ? { outcome: 'unknown', message: answer.message }
    : answer
}

/**
 * True if the lookup found a larger refund than the requested one: someone refunded everything at the gateway, and the
 * answer does not say whether ours was made.
 */
function isDifferentRefund({ undo }: Lease, kind: OperationKind, found: LookupAnswer): boolean {
  return kind === 'refund' && found.outcome === 'succeeded' && undo !== null && found.amountMinor > undo.amountMinor
}

/** False if the payment is at a different gateway from the one of this process; only that gateway can be called for it. */
export function isAtThisGateway(context: SagaContext, row: CheckoutRow): boolean {
  return row.gateway === null || row.gateway === context.gateway.name
}

/** True if this process can repeat the authorization. A card payment needs the buyer's token for that. */
export function canRepeat(context: SagaContext, lease: Lease): boolean {
  const { details } = lease.row
  return details?.method !== 'card' || details.confirmsInBrowser === true || tokenOf(context, lease) !== null
}

/**
 * True if the gateway cannot execute the operation twice, whatever the key: an authorization is captured once, and no
 * more than the captured amount is refunded. These are repeated even if their key may be forgotten, because nothing else
 * would settle them. A second authorization or partial refund could take effect: the former is fenced by a void instead,
 * the latter waits for an operator.
 */
function isLimitedByGateway(kind: OperationKind, { undo, row }: Lease): boolean {
  return kind === 'capture' || (kind === 'refund' && undo?.amountMinor === row.total_minor)
}

function tokenOf(context: SagaContext, lease: Lease): string | null {
  if (lease.token !== null) return lease.token
  return lease.row.sealed_token === null ? null : context.seal.open(lease.row.id, lease.row.sealed_token)
}

function call(context: SagaContext, lease: Lease, kind: OperationKind, base: GatewayCall): Promise<GatewayAnswer> {
  const { gateway } = context
  const { row } = lease
  const amount: Pick<CaptureRequest, 'checkoutId' | 'amountMinor' | 'currency'> = {
    checkoutId: row.id,
    amountMinor: row.total_minor ?? 0,
    currency: row.currency ?? '',
  }
  switch (kind) {
    case 'authorize':
      return gateway.authorize({
        ...base,
        ...amount,
        method: row.details?.method ?? 'card',
        token: tokenOf(context, lease),
        returnUrl: row.details?.returnUrl ?? null,
        reference: lease.reference,
        keep: reference => keepReference(context.db, row.id, row.epoch, reference),
      })
    case 'capture':
      return gateway.capture({ ...base, ...amount, reference: lease.reference ?? '', orderId: lease.orderId ?? '' })
    case 'void':
      return gateway.void({
        ...base,
        checkoutId: row.id,
        authorizationKey: idempotencyKey(row.id, 'authorize', 1),
        reference: lease.reference,
      })
    case 'refund':
      return gateway.refund({
        ...base,
        checkoutId: row.id,
        reference: lease.reference ?? '',
        amountMinor: lease.undo?.amountMinor ?? amount.amountMinor,
        currency: amount.currency,
        isRest: row.state === 'rolling_back',
      })
    default:
      return kind satisfies never
  }
}

/** Runs one call with the gateway timeout, metrics, and tracing. Every failure is an unknown outcome. */
async function observed(
  context: SagaContext,
  { id: lockId, cart_id: cartId, state, currency, total_minor: totalMinor }: CheckoutRow,
  kind: OperationKind,
  operation: OperationKind | 'lookup',
  run: (signal: AbortSignal) => Promise<LookupAnswer>,
): Promise<LookupAnswer> {
  const { log, trace, gateway } = context
  const observedCall: ObservedCall = { gateway: gateway.name, operation, lockId, state, currency, totalMinor }
  let failure: unknown
  const attempt = (): Promise<LookupAnswer> =>
    callWithin(context, async signal => normalizeAnswer(kind, await run(signal))).catch(
      (error: unknown): LookupAnswer => {
        if (error instanceof GatewayTimeout) return { outcome: 'unknown', message: error.message }
        failure = error
        return {
          outcome: 'unknown',
          message: `The gateway call failed: ${error instanceof Error ? error.name : 'unknown error'}.`,
        }
      },
    )
  const startedAt = performance.now()
  const answer = await (trace === undefined ? attempt() : trace.call(observedCall, attempt))
  if (answer.outcome === 'unknown') {
    const about = { lockId, cartId, operation, message: answer.message, err: failure }
    log.warn('[Checkout] gateway outcome unknown', about)
  }
  context.observeGateway?.(observedCall, answer.outcome, performance.now() - startedAt)
  return answer
}
