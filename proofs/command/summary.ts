/** The summary of a proof: a table of what was counted, then the verdict. */
import { table } from '../../packages/cli/src/terminal/table.ts'

export type SummaryRow = readonly [name: string, value: string | number]

/** The verdict with each failure on a line of its own. */
export const verdict = (failures: readonly string[]): string =>
  failures.length === 0 ? 'The proof holds.\n' : `The proof fails:\n${failures.map(one => `  ${one}\n`).join('')}`

export function summary(title: string, rows: readonly SummaryRow[], failures: readonly string[]): string {
  const lines = rows.map(([name, value]) => [name, String(value)])
  return `${table({ colours: false }, [title, ''], lines, { right: [1] })}${verdict(failures)}`
}

/** `0 of 412`: a count of zero means something only with its total. */
export const outOf = (count: number, all: number): string => `${count} of ${all}`

/** One row per kind, in the order of their names. */
export const countsByName = (counts: Readonly<Record<string, number>>): SummaryRow[] =>
  Object.entries(counts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => [`  ${name}`, count] as const)
