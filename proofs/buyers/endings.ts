/** Counts of how visits ended, from the records of buyers. */
import type { BuyerRecord, Ending } from './buyer.ts'

export const endedAs = (records: readonly BuyerRecord[], kind: Ending['kind']): number =>
  records.filter(({ ending }) => ending.kind === kind).length

/** The number of refusals by their code. */
export function refusalsOf(records: readonly BuyerRecord[]): Record<string, number> {
  const refusals: Record<string, number> = {}
  for (const { ending } of records) {
    if (ending.kind === 'refused') refusals[ending.code] = (refusals[ending.code] ?? 0) + 1
  }
  return refusals
}
