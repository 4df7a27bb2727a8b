/** What goes wrong on purpose: with a call, and with a webhook; decided by a function, or by what was asked for ahead. */

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

/** How an answer is lost: the connection breaks, or nothing ever comes. */
export type Loss = 'reset' | 'silence'

export type StripeFault =
  /** Nobody listens. */
  | { kind: 'refuse_connection' }
  /** Lost on the way there: no effect. */
  | { kind: 'lose_request'; loss?: Loss }
  /** Lost on the way back: its effect has happened. */
  | { kind: 'lose_answer'; loss?: Loss }
  /** Slow, before its effect or after it (default), in real time unless a `sleep` was given. */
  | { kind: 'delay'; ms: number; when?: 'before' | 'after' }
  /** Never answered, and executed that much later by the simulator's clock: the key is in use until then. */
  | { kind: 'apply_late'; ms: number }
  /** Answered with 500 (or another), which is remembered under the key. */
  | { kind: 'server_error'; effect: boolean; status?: 500 | 502 | 503 | 504 }
  | { kind: 'rate_limit'; retryAfterSeconds?: number }
  | { kind: 'lock_timeout' }
  | { kind: 'key_in_use' }
  /** Done with another amount than asked: by default one minor unit more, for captures and refunds one less. */
  | { kind: 'other_amount'; byMinor?: number }
  | { kind: 'other_currency'; currency: string }
  /** A look-up that does not find what is there. */
  | { kind: 'not_found' }
  /** Refused for good, without an effect: by default as an authorization that has ended. */
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
  /** The `metadata.checkout_id` of the request, or of the intent it is about. */
  checkoutId: string | null
  /** Its parameters, as a tree of texts. */
  body: Readonly<Record<string, unknown>>
}

export type StripeFaults = (request: FaultyRequest) => StripeFault | null

export type WebhookFault =
  | { kind: 'lose' }
  | { kind: 'twice' }
  | { kind: 'late'; ms: number }
  /** Sent after the next one. */
  | { kind: 'out_of_order' }
  /** Before the true one comes one with other content that nobody signed. */
  | { kind: 'forge' }

export type WebhookFaults = (event: { id: string; type: string }) => WebhookFault | null

/** A fault asked for ahead: for the next calls it fits, or for a share of them. */
export interface PlannedFault<F> {
  fault: F
  /** Which operation, or event type. Default: any. */
  on?: string
  idempotencyKey?: string
  checkoutId?: string
  /** How often. Default 1, or without end where there is a rate. */
  times?: number
  /** The share of fitting calls, 0 to 1. Default: each. */
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
  /** The first that fits; counted as fired. */
  next(subject: Subject): F | null
  /** Counts one that was decided elsewhere. */
  count(fault: F, on: string): F
  /** How often each fired: `lose_answer create` 3. */
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
