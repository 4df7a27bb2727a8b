/**
 * The simulated network between a process and the gateway. Each request and each answer is a task of its own, which the
 * scheduler runs in time, late, or never, even after the death of the sender.
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

/** The transit time of a late request: longer than any caller waits. */
const lateMs = 45_000

const notExecuted = (message: string): GatewayAnswer => ({ outcome: 'not_executed', message, retryAfterMs: 200 })
const declined = (code: string, message: string): GatewayAnswer => ({ outcome: 'declined', code, message })

/** Answers to requests that have no effect. */
const refusals: Partial<Record<CallFault, GatewayAnswer>> = {
  refused: notExecuted('The connection was refused.'),
  in_flight: notExecuted('409: a request with this key is in flight.'),
  too_many: notExecuted('429: too many requests.'),
  error_before: { outcome: 'unknown', message: 'The gateway answered 500.' },
  mismatch: declined('idempotency_mismatch', 'This idempotency key was used with other parameters.'),
}
const refusedByGateway = declined('processing_error', 'The gateway could not process the payment.')

export interface NetworkOptions {
  gateway: PaymentGateway
  scheduler: Scheduler
  faults(): Faults
  /** Declined keys, which stay declined, and seen keys with the time of their first use. */
  keys: { refused: Set<string>; seen: Map<string, number> }
  /** Makes the gateway forget a key. */
  forget(key: string): Promise<void>
  /** Aborts at the end of the world, which ends all waiting. */
  end: AbortSignal
}

/** @param owner the name of the calling process. */
export function throughNetwork(
  owner: string,
  { gateway, scheduler, faults, keys, forget, end }: NetworkOptions,
): PaymentGateway {
  /** Forgets a key that is older than the memory of the gateway. */
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
      const answer = (given: LookupAnswer) =>
        scheduler.add({ owner, label: `${kind} is answered: ${given.outcome}`, run: () => resolve(given) })
      const arrive = async () => {
        await forgetWhenOld(key)
        if (kind !== 'lookup') {
          if (fault === 'declined' && !keys.seen.has(key)) keys.refused.add(key)
          if (!keys.seen.has(key)) keys.seen.set(key, scheduler.nowMs)
          if (keys.refused.has(key)) return answer(refusedByGateway)
        }
        // The gateway executes the request even if its caller has given up.
        const given = await run(end)
        if (fault === 'lost_answer' || fault === 'late') return
        answer(fault === 'error_after' ? { outcome: 'unknown', message: 'The gateway answered 500.' } : given)
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
