/**
 * The faults of a run: the seed determines which kinds occur and how often, so some runs have a single kind and others
 * all of them. Counts the faults that fired.
 */
import type { OperationKind } from '../../packages/holdfast/src/payments/gateway.ts'
import type { Random } from '../random.ts'
import type { CallFault, Faults, TransactionFault, WebhookFault } from '../world/faults.ts'
import type { ProviderName } from '../world/provider.ts'

const anyCall = [
  ...(['lost_request', 'lost_answer', 'late', 'error_before', 'error_after'] as const),
  ...(['refused', 'in_flight', 'too_many', 'declined'] as const),
] satisfies CallFault[]
type CallFaults = Readonly<Record<OperationKind | 'lookup', readonly CallFault[]>>
const callFaults: Readonly<Record<ProviderName, CallFaults>> = {
  sandbox: {
    authorize: [...anyCall, 'mismatch'],
    capture: [...anyCall, 'mismatch'],
    void: anyCall,
    refund: anyCall,
    lookup: ['lost_request', 'lost_answer', 'error_before', 'refused', 'blind'],
  },
  // Stripe itself knows what a key was used for. A fault hits one of the requests of an operation.
  stripe: {
    authorize: anyCall,
    capture: anyCall,
    void: anyCall,
    refund: anyCall,
    lookup: ['lost_request', 'lost_answer', 'error_before', 'refused', 'blind', 'too_many'],
  },
}
const transactionFaults = [
  'lost',
  'unknown_undone',
  'unknown_done',
  'pool',
] as const satisfies readonly TransactionFault[]
const webhookFaults = ['lost', 'twice', 'late', 'forged'] as const satisfies readonly WebhookFault[]
const processFaults = ['kill', 'freeze'] as const

type ProcessFault = (typeof processFaults)[number]

/** Longer than any request is in transit: a request that arrived after its key was forgotten could be executed twice. */
const keyMemoryMs = 60_000
const forgotten = 'key forgotten'
const listenerThrows = 'listener throws'

/** The names of all faults. */
export const everyFault = (provider: ProviderName): string[] => [
  ...Object.entries(callFaults[provider]).flatMap(([kind, faults]) => faults.map(fault => `${kind} ${fault}`)),
  ...transactionFaults.map(fault => `transaction ${fault}`),
  ...webhookFaults.map(fault => `webhook ${fault}`),
  ...processFaults.map(fault => `process ${fault}`),
  ...(provider === 'sandbox' ? [listenerThrows, forgotten] : [listenerThrows]),
]

export interface Chaos extends Faults {
  /** The fault of a process between two steps. */
  onStep(): ProcessFault | null
  count(fault: string): void
  readonly fired: Readonly<Record<string, number>>
}

/** About half of the kinds, each with a random rate. */
function rates<Fault extends string>(random: Random, faults: readonly Fault[], most: number): Map<Fault, number> {
  return new Map(faults.filter(() => random.below(2) === 0).map(fault => [fault, random.between(0.01, most)]))
}

function without<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Map<Key, Value> {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

export function createChaos(random: Random, provider: ProviderName): Chaos {
  const fired: Record<string, number> = {}
  function draw<Fault extends string>(
    chances: ReadonlyMap<Fault, number>,
    name: (fault: Fault) => string,
  ): Fault | null {
    for (const [fault, chance] of chances) {
      if (random.between(0, 1) >= chance) continue
      count(name(fault))
      return fault
    }
    return null
  }
  function count(fault: string): void {
    fired[fault] = (fired[fault] ?? 0) + 1
  }
  const faults = callFaults[provider]
  const kinds = Object.keys(faults) as (OperationKind | 'lookup')[]
  const calls = new Map(kinds.map(kind => [kind, rates<CallFault>(random, faults[kind], 0.2)]))
  const transactions = rates(random, transactionFaults, 0.05)
  const webhooks = rates(random, webhookFaults, 0.4)
  const processes = rates(random, processFaults, 0.02)
  const listenerChance = random.below(2) === 0 ? 0 : random.between(0, 0.6)
  const forgets = random.below(4) === 0 && provider === 'sandbox'
  return {
    onCall(kind, isSeen) {
      const chances = calls.get(kind) ?? new Map<CallFault, number>()
      // Only the first request with a key can be declined; later ones get the recorded answer.
      return draw(isSeen ? without(chances, 'declined') : chances, fault => `${kind} ${fault}`)
    },
    onTransaction: () => draw(transactions, fault => `transaction ${fault}`),
    onWebhook: () => draw(webhooks, fault => `webhook ${fault}`),
    onListener() {
      const fails = random.between(0, 1) < listenerChance
      if (fails) count(listenerThrows)
      return fails
    },
    onStep: () => draw(processes, fault => `process ${fault}`),
    ...(forgets ? { keyMemoryMs, onForgotten: () => count(forgotten) } : {}),
    count,
    fired,
  }
}
