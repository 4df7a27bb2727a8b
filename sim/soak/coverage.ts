/** Whether everything that a soak is to show has happened at least once. */
import type { BuyerRecord } from '../buyer.ts'
import { weights } from './disturbances.ts'
import { countsOf, readJournal } from './journal.ts'
import { ofCalls, ofLookups } from './misbehaviour.ts'
import type { Scene } from './scene.ts'
import { ways } from './webhook-courier.ts'

export const everything = {
  disturbances: Object.keys(weights),
  faults: [...new Set([...Object.keys(ofCalls), ...Object.keys(ofLookups), 'stubborn'])].filter(
    kind => kind !== 'none',
  ),
  webhooks: Object.keys(ways),
  /** What buyers are told of checkouts that fail. */
  refusals: ['insufficient_stock', 'coupon_exhausted', 'payment_declined', 'checkout_expired', 'checkout_cancelled'],
}

export interface Coverage {
  /** A disturbance was done. */
  saw(kind: string): void
  /** A buyer came, and is being told things. */
  came(record: BuyerRecord): void
  isComplete(): boolean
  stop(): void
}

const lookEveryMs = 2_000

/** Looks into the gateway's journal now and then. */
export function createCoverage({ journal }: Scene): Coverage {
  const seen = new Set<string>()
  const records: BuyerRecord[] = []
  let isOfGateway = false

  async function look(): Promise<void> {
    const lines = await readJournal(journal)
    const [faults, webhooks] = [countsOf(lines, 'fault'), countsOf(lines, 'webhook')]
    isOfGateway = everything.faults.every(kind => kind in faults) && everything.webhooks.every(kind => kind in webhooks)
  }
  const timer = setInterval(() => {
    if (!isOfGateway) void look().catch(() => {})
  }, lookEveryMs)

  const areRefused = () => {
    const codes = new Set(records.map(({ ending }) => (ending.kind === 'refused' ? ending.code : null)))
    return everything.refusals.every(code => codes.has(code))
  }

  return {
    saw: kind => void seen.add(kind),
    came: record => void records.push(record),
    isComplete: () => isOfGateway && everything.disturbances.every(kind => seen.has(kind)) && areRefused(),
    stop: () => clearInterval(timer),
  }
}
