/**
 * The network between a process and the gateway: requests and answers travel apart from whoever sent them, arrive when
 * the scheduler lets them, late or never, and also when their sender is long dead.
 */
import type {
  GatewayAnswer,
  GatewayCall,
  LookupAnswer,
  OperationKind,
  PaymentGateway,
} from '../../packages/holdfast/src/payments/gateway.ts'
import type { CallFault, Faults } from './faults.ts'
import type { Scheduler } from './scheduler.ts'

/** How long a late request is on its way: longer than any caller waits for it. */
const lateMs = 45_000

const notExecuted = (message: string): GatewayAnswer => ({ outcome: 'not_executed', message, retryAfterMs: 200 })
const declined = (code: string, message: string): GatewayAnswer => ({ outcome: 'declined', code, message })

/** What is answered without the request having any effect. */
const refusals: Partial<Record<CallFault, GatewayAnswer>> = {
  refused: notExecuted('The connection was refused.'),
  in_flight: notExecuted('409: a request with this key is in flight.'),
  too_many: notExecuted('429: too many requests.'),
  error_before: { outcome: 'unknown', message: 'The gateway answered 500.' },
  mismatch: declined('idempotency_mismatch', 'This idempotency key was used with other parameters.'),
}
const refusedByGateway = declined('processing_error', 'The gateway could not do it.')

export interface NetworkOptions {
  gateway: PaymentGateway
  scheduler: Scheduler
  faults(): Faults
  /** Keys that the gateway refused once, and refuses ever after; and those it has seen, with the time it did first. */
  keys: { refused: Set<string>; seen: Map<string, number> }
  /** Makes the gateway forget a key in truth. */
  forget(key: string): Promise<void>
  /** The end of this world: whatever is waited for in vain ends then. */
  end: AbortSignal
}

/** @param owner whose process it is that calls. */
export function throughNetwork(
  owner: string,
  { gateway, scheduler, faults, keys, forget, end }: NetworkOptions,
): PaymentGateway {
  /** A key that comes again, or is asked about, when its time is over is a new one. */
  async function forgetWhenOld(key: string): Promise<void> {
    const { keyMemoryMs = Number.POSITIVE_INFINITY, onForgotten } = faults()
    const seenAt = keys.seen.get(key)
    if (seenAt === undefined || scheduler.nowMs - seenAt <= keyMemoryMs) return
    keys.seen.delete(key)
    keys.refused.delete(key)
    onForgotten?.()
    await forget(key)
  }

  async function send<Answer extends LookupAnswer>(
    kind: OperationKind | 'lookup',
    key: string,
    run: (signal: AbortSignal) => Promise<Answer>,
  ): Promise<LookupAnswer> {
    const fault = faults().onCall(kind, keys.seen.has(key))
    const refusal = fault === null ? undefined : refusals[fault]
    if (refusal !== undefined || fault === 'blind') {
      await scheduler.gate(owner, `${kind} is answered: ${fault}`)
      return refusal ?? { outcome: 'not_found' }
    }
    return new Promise<LookupAnswer>((resolve, reject) => {
      if (fault === 'lost_request') return
      const answer = (told: LookupAnswer) =>
        scheduler.add({ owner, label: `${kind} is answered: ${told.outcome}`, run: () => resolve(told) })
      const arrive = async () => {
        await forgetWhenOld(key)
        if (kind !== 'lookup') {
          if (fault === 'declined' && !keys.seen.has(key)) keys.refused.add(key)
          if (!keys.seen.has(key)) keys.seen.set(key, scheduler.nowMs)
          if (keys.refused.has(key)) return answer(refusedByGateway)
        }
        // The gateway never gives up what it was asked: who asked may.
        const told = await run(end)
        if (fault === 'lost_answer' || fault === 'late') return
        answer(fault === 'error_after' ? { outcome: 'unknown', message: 'The gateway answered 500.' } : told)
      }
      const arrives = () => void arrive().catch(reject)
      if (fault === 'late') scheduler.after(null, lateMs, `${kind} arrives late`, arrives)
      else scheduler.add({ owner: null, label: `${kind} arrives`, run: arrives })
    })
  }

  const call =
    <Request extends GatewayCall>(kind: OperationKind, run: (request: Request) => Promise<GatewayAnswer>) =>
    async (request: Request): Promise<GatewayAnswer> => {
      const answer = await send(kind, request.idempotencyKey, signal => run({ ...request, signal }))
      return answer.outcome === 'not_found' ? { outcome: 'unknown', message: 'No answer.' } : answer
    }

  return {
    name: gateway.name,
    keyMemoryMs: faults().keyMemoryMs ?? gateway.keyMemoryMs,
    authorize: call('authorize', request => gateway.authorize(request)),
    capture: call('capture', request => gateway.capture(request)),
    void: call('void', request => gateway.void(request)),
    refund: call('refund', request => gateway.refund(request)),
    lookup: request => send('lookup', request.idempotencyKey, signal => gateway.lookup({ ...request, signal })),
    ...(gateway.verifyWebhook === undefined ? {} : { verifyWebhook: gateway.verifyWebhook }),
  }
}
