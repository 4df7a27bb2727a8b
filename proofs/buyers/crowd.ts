/** Many at once, but not all: work through a list with so many hands. */

/** Runs `work` on every item, at most `hands` at a time; results in the order of the items. */
export async function each<Item, Result>(
  items: readonly Item[],
  hands: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const next = items.entries()
  async function hand(): Promise<void> {
    for (const [index, item] of next) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: hands }, hand))
  return results
}
