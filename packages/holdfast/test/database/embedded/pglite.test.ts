/** The embedded database blocks the event loop while it works; it must still let waiting work join the next batch. */
import { expect, test } from 'vitest'
import { createLane } from '../../../src/concurrency/lane.ts'
import { statement } from '../../../src/database/database.ts'
import { openTestDatabase } from '../../support/test-database.ts'

const look = statement('test_embedded_crowd', 'select 1 as one')

test('items that arrive while a transaction runs share the next transaction', async () => {
  const { database, stop } = await openTestDatabase('embedded')
  const sets: number[] = []
  const lane = createLane<number, number>({
    name: 'crowd',
    batchMax: 100,
    queueMax: 100,
    run: items =>
      database.transaction(async tx => {
        sets.push(items.length)
        await tx.query(look)
        return [...items]
      }),
  })
  try {
    // Each arrives in a separate turn of the event loop, as requests and messages do.
    const arrivals = Array.from(
      { length: 50 },
      (_, at) => new Promise<number>((resolve, reject) => setTimeout(() => lane.submit(at).then(resolve, reject), 5)),
    )
    expect(await Promise.all(arrivals)).toEqual(Array.from({ length: 50 }, (_, at) => at))
    expect(sets.length).toBeLessThan(10)
  } finally {
    await stop()
  }
})
