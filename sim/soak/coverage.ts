/** Whether everything that a soak is to show has happened at least once. */
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
}

export interface Coverage {
  /** A disturbance was done. */
  saw(kind: string): void
  isComplete(): boolean
  stop(): void
}

const lookEveryMs = 2_000

/** Looks into the gateway's journal now and then. */
export function createCoverage({ journal }: Scene): Coverage {
  const seen = new Set<string>()
  let isOfGateway = false

  async function look(): Promise<void> {
    const lines = await readJournal(journal)
    const [faults, webhooks] = [countsOf(lines, 'fault'), countsOf(lines, 'webhook')]
    isOfGateway = everything.faults.every(kind => kind in faults) && everything.webhooks.every(kind => kind in webhooks)
  }
  const timer = setInterval(() => {
    if (!isOfGateway) void look().catch(() => {})
  }, lookEveryMs)

  return {
    saw: kind => void seen.add(kind),
    isComplete: () => isOfGateway && everything.disturbances.every(kind => seen.has(kind)),
    stop: () => clearInterval(timer),
  }
}
