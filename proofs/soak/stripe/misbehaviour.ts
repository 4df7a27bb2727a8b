/**
 * The faults of Stripe in a soak, chosen by seed. Stripe keeps its promises (one key, one answer; an intent takes money
 * once), but answers late, wrongly, or not at all, and authorizations end early.
 */
import type {
  FaultyRequest,
  StripeFault,
  StripeOperation,
} from '../../../packages/stripe-simulator/src/faults/faults.ts'
import { dealer, type Random } from '../../random.ts'

/** Per round of writes. `before`: without effect; `after`: with it. A 500 is stored under its key in both cases. */
const ofWrites = {
  none: 44,
  'lost before': 1,
  'lost after': 2,
  'reset before': 1,
  'reset after': 2,
  /** The effect happens seconds later, after the caller's timeout. */
  'late effect': 2,
  slow: 2,
  '500 before': 1,
  '500 after': 2,
  '429': 1,
  'lock timeout': 1,
  '409': 1,
} as const
const ofReads = { none: 30, 'not found': 1, lost: 1, reset: 1, slow: 1, '500': 1, '429': 1 } as const
/** Per round of created intents: one has a different amount from the requested one. */
const ofCreations = { none: 24, 'other amount': 1 } as const
/** Per round of captures: faults that make a capture impossible. */
const ofCaptures = { none: 24, 'authorization ended': 1, 'capture refused': 1 } as const
/** Per round of cancellations and refunds: how many times one fails in a row, and how often that is dealt. */
const failures = { '0': 4, '2': 1, '4': 1 } as const

type Fault =
  | keyof typeof ofWrites
  | keyof typeof ofReads
  | keyof typeof ofCreations
  | keyof typeof ofCaptures
  | 'repeated failure'

/** All faults; each must occur in a soak. */
export const faultKinds: readonly string[] = [
  ...new Set([ofWrites, ofReads, ofCreations, ofCaptures].flatMap(kinds => Object.keys(kinds))),
  'repeated failure',
].filter(kind => kind !== 'none')

const reads: ReadonlySet<StripeOperation> = new Set(['retrieve', 'list', 'search', 'probe'])
const rememberedMax = 10_000

export interface Misbehaviour {
  /** Null: no fault. The name is for the journal. */
  faultOf(request: FaultyRequest): { name: Fault; fault: StripeFault | null } | null
}

export function createMisbehaviour(random: Random): Misbehaviour {
  const deal = <Name extends string>(weights: Readonly<Record<Name, number>>) => dealer<Name>(random, weights)
  const write = deal(ofWrites)
  const read = deal(ofReads)
  const create = deal(ofCreations)
  const capture = deal(ofCaptures)
  const times = deal(failures)
  /** The remaining failures of cancellations and refunds, by payment. */
  const remaining = new Map<string, number>()

  function fails(payment: string): boolean {
    const left = remaining.get(payment) ?? Number(times())
    if (remaining.size >= rememberedMax) remaining.clear()
    remaining.set(payment, Math.max(0, left - 1))
    return left > 0
  }

  function nameOf({ operation, path, body }: FaultyRequest): Fault {
    if (reads.has(operation)) return operation === 'retrieve' ? read() : findable(read())
    if (operation === 'cancel' && fails(path)) return 'repeated failure'
    if (operation === 'refund' && fails(String(body.payment_intent))) return 'repeated failure'
    const special = operation === 'create' ? create() : operation === 'capture' ? capture() : 'none'
    return special === 'none' ? write() : special
  }

  return {
    faultOf(request) {
      const name = nameOf(request)
      return name === 'none' ? null : { name, fault: stripeFaultOf(name, random) }
    },
  }
}

/** Lists are consistent at Stripe; only its search is delayed. */
const findable = (fault: keyof typeof ofReads): keyof typeof ofReads => (fault === 'not found' ? 'none' : fault)

/** The fault of the simulator. Null: the fault affects the payment, not the call. */
function stripeFaultOf(name: Exclude<Fault, 'none'>, random: Random): StripeFault | null {
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
    case 'repeated failure':
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
