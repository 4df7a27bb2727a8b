/** Tracks whether each event that a soak must show has occurred at least once. */
import type { BuyerRecord } from '../buyers/buyer.ts'
import { type Disturbance, weightsFor } from './disturbances.ts'
import type { SoakGateway } from './gateway.ts'
import { countsOf, readJournal } from './journal.ts'
import type { RequiredCoverage } from './required-coverage.ts'
import type { Scene } from './scene.ts'

export type SoakCoverage = RequiredCoverage & { disturbances: readonly Disturbance[] }

export const coverageOf = (gateway: SoakGateway): SoakCoverage => ({
  ...gateway.required,
  disturbances: Object.keys(weightsFor(gateway)) as Disturbance[],
})

export interface Coverage {
  /** A disturbance is complete. */
  disturbed(kind: string): void
  /** A buyer arrived; its record is updated later. */
  arrived(record: BuyerRecord): void
  isComplete(): boolean
  stop(): void
}

const lookEveryMs = 2_000

/** Reads the gateway's journal now and then. */
export function createCoverage({ journal, gateway }: Scene): Coverage {
  const required = coverageOf(gateway)
  const seen = new Set<string>()
  const records: BuyerRecord[] = []
  let isGatewayCovered = false

  async function look(): Promise<void> {
    const lines = await readJournal(journal)
    const met = (kinds: readonly string[], counts: Record<string, number>) => kinds.every(kind => kind in counts)
    isGatewayCovered =
      met(required.faults, countsOf(lines, 'fault')) &&
      met(required.webhooks, countsOf(lines, 'webhook')) &&
      met(required.forgeries, countsOf(lines, 'forged')) &&
      met(required.confirmations, countsOf(lines, 'confirmed'))
  }
  const timer = setInterval(() => {
    if (!isGatewayCovered) void look().catch(() => {})
  }, lookEveryMs)

  const areRefusalsCovered = () => {
    const codes = new Set(records.map(({ ending }) => (ending.kind === 'refused' ? ending.code : null)))
    return required.refusals.every(code => codes.has(code))
  }

  return {
    disturbed: kind => void seen.add(kind),
    arrived: record => void records.push(record),
    isComplete: () => isGatewayCovered && required.disturbances.every(kind => seen.has(kind)) && areRefusalsCovered(),
    stop: () => clearInterval(timer),
  }
}
