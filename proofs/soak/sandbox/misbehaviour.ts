/**
 * The faults of the sandbox in a soak, chosen by seed, besides those that its tokens cause. The sandbox keeps the
 * promises of a gateway (one key, one effect; a void fences), but answers late, wrongly, or not at all.
 */
import type { OperationKind } from '../../../packages/holdfast/src/payments/gateway.ts'
import { dealer, type Random } from '../../random.ts'

export type CallKind = OperationKind | 'lookup'

/** `before`: without effect; `after`: with it. */
export type Fault =
  | 'timeout before'
  | 'timeout after'
  /** The effect happens seconds later, after the caller's timeout. */
  | 'late effect'
  | '500 before'
  | '500 after'
  | 'reset before'
  | 'reset after'
  /** The body of the answer is cut off. */
  | 'unreadable'
  | '429'
  | '409'
  /** A lookup does not find an existing operation. */
  | 'not found'
  /** A void or refund fails several times in a row. */
  | 'repeated failure'

/** The faults per round of calls. Rounds are short, so that every fault occurs soon. */
const ofCalls = {
  none: 30,
  'timeout before': 1,
  'timeout after': 2,
  'late effect': 2,
  '500 before': 1,
  '500 after': 2,
  'reset before': 1,
  'reset after': 2,
  unreadable: 1,
  '429': 1,
  '409': 1,
} as const
const ofLookups = { none: 6, 'not found': 2, 'timeout before': 1, '500 before': 1, unreadable: 1 } as const

/** All faults; each must occur in a soak. */
export const faultKinds: readonly string[] = [
  ...new Set([...Object.keys(ofCalls), ...Object.keys(ofLookups), 'repeated failure']),
].filter(kind => kind !== 'none')

/** Per round of voids and refunds: how many times an operation fails, and how often that is dealt. */
const failures = { '0': 4, '2': 1, '4': 1 } as const
const rememberedMax = 10_000

export interface Misbehaviour {
  /** Null lets the call pass. */
  faultOf(kind: CallKind, idempotencyKey: string): Fault | null
}

export function createMisbehaviour(random: Random): Misbehaviour {
  const call = dealer<Fault | 'none'>(random, ofCalls as Readonly<Record<Fault | 'none', number>>)
  const lookup = dealer<Fault | 'none'>(random, ofLookups as Readonly<Record<Fault | 'none', number>>)
  const times = dealer(random, failures)
  /** The remaining failures of voids and refunds, by key. */
  const remaining = new Map<string, number>()

  function fails(key: string): boolean {
    const left = remaining.get(key) ?? Number(times())
    if (remaining.size >= rememberedMax) remaining.clear()
    remaining.set(key, Math.max(0, left - 1))
    return left > 0
  }

  return {
    faultOf(kind, key) {
      if ((kind === 'void' || kind === 'refund') && fails(key)) return 'repeated failure'
      const fault = kind === 'lookup' ? lookup() : call()
      return fault === 'none' ? null : fault
    },
  }
}
