/** Runs work on a list of items with bounded concurrency. */

/** Runs `work` on each item, at most `limit` at a time. Results are in the order of the items. */
export async function mapInParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const next = items.entries()
  async function run(): Promise<void> {
    for (const [index, item] of next) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: limit }, run))
  return results
}
