/** Whether everything that a soak is to show has happened at least once. */
import type { BuyerRecord } from '../buyers/buyer.ts'
import { type Disturbance, weightsFor } from './disturbances.ts'
import type { SoakGateway } from './gateway.ts'
import { countsOf, readJournal } from './journal.ts'
import type { Promised } from './promised.ts'
import type { Scene } from './scene.ts'

export type Everything = Promised & { disturbances: readonly Disturbance[] }

export const everythingOf = (gateway: SoakGateway): Everything => ({
  ...gateway.promised,
  disturbances: Object.keys(weightsFor(gateway)) as Disturbance[],
})

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
export function createCoverage({ journal, gateway }: Scene): Coverage {
  const everything = everythingOf(gateway)
  const seen = new Set<string>()
  const records: BuyerRecord[] = []
  let isOfGateway = false

  async function look(): Promise<void> {
    const lines = await readJournal(journal)
    const met = (kinds: readonly string[], counts: Record<string, number>) => kinds.every(kind => kind in counts)
    isOfGateway =
      met(everything.faults, countsOf(lines, 'fault')) &&
      met(everything.webhooks, countsOf(lines, 'webhook')) &&
      met(everything.forgeries, countsOf(lines, 'forged')) &&
      met(everything.confirmations, countsOf(lines, 'confirmed'))
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
