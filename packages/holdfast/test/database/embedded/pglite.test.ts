/** The embedded database works in this process: it must not keep those from arriving who could go along. */
import { expect, test } from 'vitest'
import { createLane } from '../../../src/concurrency/lane.ts'
import { statement } from '../../../src/database/database.ts'
import { openTestDatabase } from '../../support/test-database.ts'

const look = statement('test_embedded_crowd', 'select 1 as one')

test('a crowd that arrives while a transaction runs goes together in the next set', async () => {
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
    // Each in a turn of its own, as requests and messages come.
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
