/** Counts events by kind for a message about many of them. The number of kinds shown is bounded. */
import { groupBy } from '../domain/group-by.ts'

export interface KindCounts {
  /** The most frequent kinds first, at most `kindsMax`. */
  kinds: (readonly [kind: string, count: number])[]
  /** The number of events of all other kinds. */
  others: number
}

export function countKinds<Event>(
  events: readonly Event[],
  kindOf: (event: Event) => string,
  kindsMax: number,
): KindCounts {
  const counts = [...groupBy(events, kindOf)].map(([kind, group]) => [kind, group.length] as const)
  const sorted = counts.sort(([, one], [, other]) => other - one)
  const others = sorted.slice(kindsMax).reduce((sum, [, count]) => sum + count, 0)
  return { kinds: sorted.slice(0, kindsMax), others }
}
