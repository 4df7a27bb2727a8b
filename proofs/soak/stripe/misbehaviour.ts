/**
 * How Stripe misbehaves, by seed: what goes wrong with which call of its API. It breaks no promise of its own (one key,
 * one answer, an intent takes money once): it answers late, wrongly or not at all, and authorizations end early.
 */
import type {
  FaultyRequest,
  StripeFault,
  StripeOperation,
} from '../../../packages/stripe-simulator/src/faults/faults.ts'
import { dealer, type Random } from '../../random.ts'

/** `before`: without effect; `after`: with it, and a 500 stays under its key either way. */
const ofWrites = {
  none: 44,
  'lost before': 1,
  'lost after': 2,
  'reset before': 1,
  'reset after': 2,
  /** Takes effect seconds later, when the caller has long given up. */
  'late effect': 2,
  slow: 2,
  '500 before': 1,
  '500 after': 2,
  '429': 1,
  'lock timeout': 1,
  '409': 1,
} as const
const ofReads = { none: 30, 'not found': 1, lost: 1, reset: 1, slow: 1, '500': 1, '429': 1 } as const
/** Of a round of intents: one of another amount than asked. */
const ofCreations = { none: 24, 'other amount': 1 } as const
/** Of a round of captures: what keeps them from ever happening. */
const ofCaptures = { none: 24, 'authorization ended': 1, 'capture refused': 1 } as const
/** Of a round of cancellations and refunds, how often each fails so many times in a row. */
const failures = { '0': 4, '2': 1, '4': 1 } as const

type Fault =
  | keyof typeof ofWrites
  | keyof typeof ofReads
  | keyof typeof ofCreations
  | keyof typeof ofCaptures
  | 'stubborn'

/** Each must be met in a soak. */
export const faultKinds: readonly string[] = [
  ...new Set([ofWrites, ofReads, ofCreations, ofCaptures].flatMap(kinds => Object.keys(kinds))),
  'stubborn',
].filter(kind => kind !== 'none')

const reads: ReadonlySet<StripeOperation> = new Set(['retrieve', 'list', 'search', 'probe'])
const remembered = 10_000

export interface Misbehaviour {
  /** Null lets the call pass. Its name is for the journal. */
  faultOf(request: FaultyRequest): { name: Fault; fault: StripeFault | null } | null
}

export function createMisbehaviour(random: Random): Misbehaviour {
  const deal = <Name extends string>(weights: Readonly<Record<Name, number>>) => dealer<Name>(random, weights)
  const write = deal(ofWrites)
  const read = deal(ofReads)
  const create = deal(ofCreations)
  const capture = deal(ofCaptures)
  const times = deal(failures)
  /** What undoes, by its payment: how often it still fails. */
  const stubborn = new Map<string, number>()

  function isStubborn(payment: string): boolean {
    const left = stubborn.get(payment) ?? Number(times())
    if (stubborn.size >= remembered) stubborn.clear()
    stubborn.set(payment, Math.max(0, left - 1))
    return left > 0
  }

  function nameOf({ operation, path, body }: FaultyRequest): Fault {
    if (reads.has(operation)) return operation === 'retrieve' ? read() : findable(read())
    if (operation === 'cancel' && isStubborn(path)) return 'stubborn'
    if (operation === 'refund' && isStubborn(String(body.payment_intent))) return 'stubborn'
    const special = operation === 'create' ? create() : operation === 'capture' ? capture() : 'none'
    return special === 'none' ? write() : special
  }

  return {
    faultOf(request) {
      const name = nameOf(request)
      return name === 'none' ? null : { name, fault: whatIs(name, random) }
    },
  }
}

/** A list is whole: Stripe's lists show what was written, only its search is late. */
const findable = (fault: keyof typeof ofReads): keyof typeof ofReads => (fault === 'not found' ? 'none' : fault)

/** Null: it happens to the payment, not to the call. */
function whatIs(name: Exclude<Fault, 'none'>, random: Random): StripeFault | null {
  switch (name) {
    case 'lost':
    case 'lost before':
      return { kind: 'lose_request', loss: 'silence' }
    case 'lost after':
      return { kind: 'lose_answer', loss: 'silence' }
    case 'reset':
    case 'reset before':
      return { kind: 'lose_request', loss: 'reset' }
    case 'reset after':
      return { kind: 'lose_answer', loss: 'reset' }
    case 'late effect':
      return { kind: 'apply_late', ms: random.between(2_000, 9_000) }
    case 'slow':
      return { kind: 'delay', ms: random.between(300, 2_500), when: random.below(2) === 0 ? 'before' : 'after' }
    case '500':
    case '500 before':
      return { kind: 'server_error', effect: false }
    case '500 after':
      return { kind: 'server_error', effect: true }
    case '429':
      return { kind: 'rate_limit', retryAfterSeconds: 1 }
    case 'lock timeout':
    case 'stubborn':
      return { kind: 'lock_timeout' }
    case '409':
      return { kind: 'key_in_use' }
    case 'not found':
      return { kind: 'not_found' }
    case 'other amount':
      return { kind: 'other_amount' }
    case 'capture refused':
      return { kind: 'refuse', code: 'capture_unauthorized_payment' }
    case 'authorization ended':
      return null
    default:
      return name satisfies never
  }
}
