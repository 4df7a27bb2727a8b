/** Injected faults of calls and webhooks, decided by a function or planned in advance. */

export type StripeOperation =
  | 'create'
  | 'update'
  | 'confirm'
  | 'capture'
  | 'cancel'
  | 'refund'
  | 'retrieve'
  | 'list'
  | 'search'
  | 'create_method'
  | 'dispute'
  | 'probe'

/** How an answer is lost: the connection breaks, or there is no answer. */
export type Loss = 'reset' | 'silence'

export type StripeFault =
  /** The connection is refused. */
  | { kind: 'refuse_connection' }
  /** The request is lost: no effect. */
  | { kind: 'lose_request'; loss?: Loss }
  /** The answer is lost: the effect happens. */
  | { kind: 'lose_answer'; loss?: Loss }
  /** The answer is slow, before or after (default) the effect. In real time unless `sleep` is given. */
  | { kind: 'delay'; ms: number; when?: 'before' | 'after' }
  /** No answer, and the effect happens later by the simulator's clock. The key is in use until then. */
  | { kind: 'apply_late'; ms: number }
  /** Answered with 500 or another status, which is stored under the key. */
  | { kind: 'server_error'; effect: boolean; status?: 500 | 502 | 503 | 504 }
  | { kind: 'rate_limit'; retryAfterSeconds?: number }
  | { kind: 'lock_timeout' }
  | { kind: 'key_in_use' }
  /** Executed with a different amount: by default one minor unit more, or one less for captures and refunds. */
  | { kind: 'other_amount'; byMinor?: number }
  | { kind: 'other_currency'; currency: string }
  /** A lookup does not find an existing object. */
  | { kind: 'not_found' }
  /** Definitely refused without an effect; by default like an expired authorization. */
  | {
      kind: 'refuse'
      status?: number
      type?: 'card_error' | 'invalid_request_error'
      code?: string
      declineCode?: string
      message?: string
    }

export interface FaultyRequest {
  method: string
  path: string
  operation: StripeOperation
  idempotencyKey: string | null
  /** The `metadata.checkout_id` of the request, or of its intent. */
  checkoutId: string | null
  /** The parameters as a tree of texts. */
  body: Readonly<Record<string, unknown>>
}

export type StripeFaults = (request: FaultyRequest) => StripeFault | null

export type WebhookFault =
  | { kind: 'lose' }
  | { kind: 'twice' }
  | { kind: 'late'; ms: number }
  /** Sent after the next webhook. */
  | { kind: 'out_of_order' }
  /** A forged webhook with different content and an invalid signature is sent first. */
  | { kind: 'forge' }

export type WebhookFaults = (event: { id: string; type: string }) => WebhookFault | null

/** A planned fault of the next matching calls, or of a share of them. */
export interface PlannedFault<F> {
  fault: F
  /** The operation or event type. Default: any. */
  on?: string
  idempotencyKey?: string
  checkoutId?: string
  /** How often it fires. Default: once, or without limit if there is a rate. */
  times?: number
  /** The share of matching calls, from 0 to 1. Default: all. */
  rate?: number
}

interface Subject {
  on: string
  idempotencyKey?: string | null
  checkoutId?: string | null
}

export interface FaultPlan<F extends { kind: string }> {
  add(planned: PlannedFault<F>): void
  clear(): void
  /** The first matching fault, which is counted as fired. */
  next(subject: Subject): F | null
  /** Counts a fault that a function decided. */
  count(fault: F, on: string): F
  /** The number of fired faults by name: `lose_answer create` 3. */
  fired(): Record<string, number>
}

export function createFaultPlan<F extends { kind: string }>(random: () => number): FaultPlan<F> {
  let planned: (PlannedFault<F> & { left: number })[] = []
  const fired = new Map<string, number>()

  function fits(one: PlannedFault<F>, subject: Subject): boolean {
    return (
      (one.on === undefined || one.on === subject.on) &&
      (one.idempotencyKey === undefined || one.idempotencyKey === subject.idempotencyKey) &&
      (one.checkoutId === undefined || one.checkoutId === subject.checkoutId) &&
      (one.rate === undefined || random() < one.rate)
    )
  }

  function count(fault: F, on: string): F {
    const name = `${fault.kind} ${on}`
    fired.set(name, (fired.get(name) ?? 0) + 1)
    return fault
  }

  return {
    add(one) {
      planned.push({ ...one, left: one.times ?? (one.rate === undefined ? 1 : Number.POSITIVE_INFINITY) })
    },
    clear() {
      planned = []
    },
    next(subject) {
      const found = planned.find(one => fits(one, subject))
      if (found === undefined) return null
      found.left -= 1
      if (found.left <= 0) planned = planned.filter(one => one !== found)
      return count(found.fault, subject.on)
    },
    count,
    fired: () => Object.fromEntries([...fired].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}
