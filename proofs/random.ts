/** Random choices that a seed repeats. The drawn values repeat; the timing depends on the machine. */
import { seeded } from '../packages/cli/src/flash-sale/seeded-random.ts'

export interface Random {
  /** A whole number from 0 up to, but not including, `below`. */
  below(below: number): number
  /** A number from `from` up to `to`, with fraction. */
  between(from: number, to: number): number
  pick<Item>(items: readonly Item[]): Item
  /** Picks by weight. */
  weighted<Item extends string>(weights: Readonly<Record<Item, number>>): Item
}

export function createRandom(seed: number): Random {
  const next = seeded(seed)
  function pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(next() * items.length)]
    if (item === undefined) throw new Error('cannot pick from an empty list')
    return item
  }
  return {
    below: below => Math.floor(next() * below),
    between: (from, to) => from + next() * (to - from),
    pick,
    weighted<Item extends string>(weights: Readonly<Record<Item, number>>): Item {
      const entries = Object.entries<number>(weights) as [Item, number][]
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [item, weight] of entries) {
        left -= weight
        if (left < 0) return item
      }
      return pick(entries)[0]
    },
  }
}

/** Deals kinds in rounds of random order, each kind as often per round as its weight. No kind is missing by chance. */
export function dealer<Item extends string>(random: Random, weights: Readonly<Record<Item, number>>): () => Item {
  const round = (Object.entries<number>(weights) as [Item, number][]).flatMap(([item, weight]) =>
    Array.from({ length: weight }, () => item),
  )
  let left: Item[] = []
  return () => {
    if (left.length === 0) left = shuffled(random, round)
    return left.pop() ?? random.pick(round)
  }
}

export function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  const rest = [...items]
  return items.map(() => rest.splice(random.below(rest.length), 1)[0] as Item)
}
