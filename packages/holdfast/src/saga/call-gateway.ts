/**
 * Asks the gateway what a claim's state wants to know, outside every transaction, and never guesses: what was asked
 * before is looked up first, and repeated only under its own key while the gateway still remembers it.
 * Protects A2 and A4.
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import type { CaptureRequest, GatewayAnswer, GatewayCall, LookupAnswer, OperationKind } from '../payments/gateway.ts'
import { normalizeAnswer } from '../payments/gateway-answers.ts'
import { idempotencyKey, keepReference } from '../payments/operations.ts'
import { callWithin, GatewayTimeout, type ObservedCall, type SagaContext } from './context.ts'
import type { Lease } from './lease.ts'

/** The operation that a claim's state is about. */
export function operationOf(lease: Lease): { kind: OperationKind; attempt: number } {
  if (lease.undo !== null) return { kind: lease.undo.kind, attempt: lease.undo.attempt }
  return { kind: lease.row.state === 'capturing' ? 'capture' : 'authorize', attempt: 1 }
}

/**
 * Gives what is known after asking. `unknown` covers everything that leaves the outcome open: no answer in time, a
 * broken connection, an answer that makes no sense.
 */
export async function callGateway(context: SagaContext, lease: Lease): Promise<GatewayAnswer> {
  const { kind, attempt } = operationOf(lease)
  if (!isAtThisGateway(context, lease.row)) {
    return { outcome: 'unknown', message: `It is with the gateway "${lease.row.gateway}", which is not at hand here.` }
  }
  const key = idempotencyKey(lease.row.id, kind, attempt)
  // A void may always be repeated: voiding twice is voiding.
  if (!lease.fresh && kind !== 'void') {
    const found = await timed(context, lease.row, kind, 'lookup', signal =>
      context.gateway.lookup({
        checkoutId: lease.row.id,
        kind,
        idempotencyKey: key,
        reference: lease.reference,
        signal,
      }),
    )
    if (found.outcome !== 'not_found' && !isAnother(lease, kind, found)) return news(context, lease, kind, found)
    if (isForgotten(context, lease) && !boundsItself(kind, lease)) {
      return { outcome: 'unknown', message: 'The gateway knows nothing of it and no longer remembers its key.' }
    }
    if (kind === 'authorize' && !canRepeat(context, lease)) {
      return { outcome: 'unknown', message: 'It cannot be asked for again: the token is not known here.' }
    }
  }
  const answer = await timed(context, lease.row, kind, kind, signal =>
    call(context, lease, kind, { idempotencyKey: key, signal }),
  )
  if (answer.outcome === 'not_found') return { outcome: 'unknown', message: 'The gateway knows nothing of it.' }
  return news(context, lease, kind, answer)
}

/** Whether the gateway has the money of a checkout that nobody here has asked it to take. */
export function lookUpCapture(context: SagaContext, { row, reference }: Lease): Promise<LookupAnswer> {
  const key = idempotencyKey(row.id, 'capture', 1)
  return timed(context, row, 'capture', 'lookup', signal =>
    context.gateway.lookup({ checkoutId: row.id, kind: 'capture', idempotencyKey: key, reference, signal }),
  )
}

/** The gateway may not remember its key any more: repeated, it would be a new request. */
function isForgotten({ gateway }: SagaContext, { fresh, ageMs }: Lease): boolean {
  return !fresh && ageMs > gateway.keyMemoryMs
}

/** What a gateway refuses with that did it already. */
const doneAlready: Partial<Record<OperationKind, string>> = { capture: 'already_captured', refund: 'already_refunded' }

/**
 * An answer as far as it says anything of the operation. A refusal of this request may say nothing of the one that used
 * the key first: it had other parameters, or it was done and its key is forgotten since. Then a lookup will find it.
 */
function news(context: SagaContext, lease: Lease, kind: OperationKind, answer: GatewayAnswer): GatewayAnswer {
  if (answer.outcome !== 'declined') return answer
  const isOld = isForgotten(context, lease) && answer.code === doneAlready[kind]
  return isOld || answer.code === 'idempotency_mismatch' ? { outcome: 'unknown', message: answer.message } : answer
}

/** More was given back than a refund is for: people gave all of it back, and whether this one was made is not said. */
function isAnother({ undo }: Lease, kind: OperationKind, found: LookupAnswer): boolean {
  return kind === 'refund' && found.outcome === 'succeeded' && undo !== null && found.amountMinor > undo.amountMinor
}

/** False for a checkout whose payment is with another gateway than this process has: that one alone can be asked. */
export function isAtThisGateway(context: SagaContext, row: CheckoutRow): boolean {
  return row.gateway === null || row.gateway === context.gateway.name
}

/** True when an authorization can be repeated by this process: it needs the buyer's token, if there was one. */
export function canRepeat(context: SagaContext, lease: Lease): boolean {
  const { details } = lease.row
  return details?.method !== 'card' || details.confirmsInBrowser === true || tokenOf(context, lease) !== null
}

/**
 * What the gateway cannot do twice whatever the key: an authorization is captured once, and no more is given back than
 * was taken. So these are asked for again when their key may be forgotten, or nobody would ever know. A second
 * authorization or a second part of a refund could be made: the first is fenced by a void, the other waits for people.
 */
function boundsItself(kind: OperationKind, { undo, row }: Lease): boolean {
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

/** Calls with a limit of time; whatever goes wrong is an unknown outcome. */
async function timed(
  context: SagaContext,
  { id: lockId, cart_id: cartId, state, currency, total_minor: totalMinor }: CheckoutRow,
  kind: OperationKind,
  operation: OperationKind | 'lookup',
  run: (signal: AbortSignal) => Promise<LookupAnswer>,
): Promise<LookupAnswer> {
  const { log, trace, gateway } = context
  const question: ObservedCall = { gateway: gateway.name, operation, lockId, state, currency, totalMinor }
  let broke: unknown
  const asked = (): Promise<LookupAnswer> =>
    callWithin(context, async signal => normalizeAnswer(kind, await run(signal))).catch(
      (error: unknown): LookupAnswer => {
        if (error instanceof GatewayTimeout) return { outcome: 'unknown', message: error.message }
        broke = error
        return {
          outcome: 'unknown',
          message: `The call broke: ${error instanceof Error ? error.name : 'unknown error'}.`,
        }
      },
    )
  const startedAt = performance.now()
  const answer = await (trace === undefined ? asked() : trace.call(question, asked))
  if (answer.outcome === 'unknown') {
    const about = { lockId, cartId, operation, message: answer.message, err: broke }
    log.warn('[Checkout] the gateway gave no certain answer', about)
  }
  context.observeGateway?.(question, answer.outcome, performance.now() - startedAt)
  return answer
}
