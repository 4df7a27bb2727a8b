/**
 * How the gateway misbehaves, by seed: what goes wrong with which call, beside what the sandbox's tokens ask for. It
 * breaks no promise of a gateway (one key, one effect; a void fences): it answers late, wrongly or not at all.
 */
import type { OperationKind } from '../../../packages/holdfast/src/payments/gateway.ts'
import { dealer, type Random } from '../../random.ts'

export type CallKind = OperationKind | 'lookup'

/** `before`: without effect; `after`: with it. */
export type Fault =
  | 'timeout before'
  | 'timeout after'
  /** Takes effect seconds later, when the caller has long given up. */
  | 'late effect'
  | '500 before'
  | '500 after'
  | 'reset before'
  | 'reset after'
  /** Cut off in the middle of its body. */
  | 'unreadable'
  | '429'
  | '409'
  /** A lookup that does not find what is there. */
  | 'not found'
  /** A void or refund that fails several times in a row. */
  | 'stubborn'

/** How often in a round of calls; the rounds are short, so that every fault is met soon. */
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

/** Each must be met in a soak. */
export const faultKinds: readonly string[] = [
  ...new Set([...Object.keys(ofCalls), ...Object.keys(ofLookups), 'stubborn']),
].filter(kind => kind !== 'none')

/** Of a round of undoing operations, how often each fails so many times. */
const failures = { '0': 4, '2': 1, '4': 1 } as const
const remembered = 10_000

export interface Misbehaviour {
  /** Null lets the call pass. */
  faultOf(kind: CallKind, idempotencyKey: string): Fault | null
}

export function createMisbehaviour(random: Random): Misbehaviour {
  const call = dealer<Fault | 'none'>(random, ofCalls as Readonly<Record<Fault | 'none', number>>)
  const lookup = dealer<Fault | 'none'>(random, ofLookups as Readonly<Record<Fault | 'none', number>>)
  const times = dealer(random, failures)
  /** Undoing operations, by key: how often they still fail. */
  const stubborn = new Map<string, number>()

  function isStubborn(key: string): boolean {
    const left = stubborn.get(key) ?? Number(times())
    if (stubborn.size >= remembered) stubborn.clear()
    stubborn.set(key, Math.max(0, left - 1))
    return left > 0
  }

  return {
    faultOf(kind, key) {
      if ((kind === 'void' || kind === 'refund') && isStubborn(key)) return 'stubborn'
      const fault = kind === 'lookup' ? lookup() : call()
      return fault === 'none' ? null : fault
    },
  }
}
