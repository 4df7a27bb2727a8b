/** Lanes: batches of items, in order, with failures limited to the item that causes them. */
import { expect, test } from 'vitest'
import { createLane, LaneFull } from '../../src/concurrency/lane.ts'

/** A step whose batches end when the test says so. */
function heldStep() {
  const batches: number[][] = []
  const releases: (() => void)[] = []
  return {
    batches,
    run(items: readonly number[]): Promise<number[]> {
      batches.push([...items])
      return new Promise(resolve => releases.push(() => resolve(items.map(item => item * 10))))
    },
    release: () => releases.shift()?.(),
  }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

test('a lone item starts at once, and items that arrive meanwhile form the next batch, in order', async () => {
  const step = heldStep()
  const lane = createLane({ name: 'test', run: step.run, batchMax: 3, queueMax: 10 })
  const first = lane.submit(1)
  await turn()
  const others = [2, 3, 4, 5].map(item => lane.submit(item))
  await turn()
  expect(step.batches).toEqual([[1]])
  expect(lane.size).toBe(5)
  for (let batch = 0; batch < 3; batch += 1) {
    step.release()
    await turn()
  }
  expect(step.batches).toEqual([[1], [2, 3, 4], [5]])
  expect(await Promise.all([first, ...others])).toEqual([10, 20, 30, 40, 50])
  expect(lane.size).toBe(0)
})

test('items of the same turn of the event loop share a batch', async () => {
  const batches: number[] = []
  const lane = createLane({
    name: 'test',
    run: async (items: readonly number[]) => items,
    batchMax: 10,
    queueMax: 10,
    observe: size => batches.push(size),
  })
  await Promise.all([1, 2, 3].map(item => lane.submit(item)))
  expect(batches).toEqual([3])
})

test('only the item that makes its batch fail is refused', async () => {
  const lane = createLane({
    name: 'test',
    async run(items: readonly number[]) {
      if (items.includes(3)) throw new Error('three')
      return items
    },
    batchMax: 10,
    queueMax: 10,
  })
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(item => lane.submit(item)))
  expect(results.map(result => (result.status === 'fulfilled' ? result.value : String(result.reason)))).toEqual([
    ...[1, 2, 'Error: three', 4, 5],
  ])
})

test('an error that concerns the whole batch is not retried item by item', async () => {
  let runs = 0
  const lane = createLane({
    name: 'test',
    run(): Promise<number[]> {
      runs += 1
      return Promise.reject(new Error('the database is away'))
    },
    batchMax: 10,
    queueMax: 10,
    isShared: () => true,
  })
  const results = await Promise.allSettled([1, 2, 3].map(item => lane.submit(item)))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(runs).toBe(1)
})

test('a batch with a wrong number of results fails whole and does not run again', async () => {
  let runs = 0
  const lane = createLane({
    name: 'test',
    async run() {
      runs += 1
      return [1]
    },
    batchMax: 10,
    queueMax: 10,
  })
  const results = await Promise.allSettled([1, 2].map(item => lane.submit(item)))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(runs).toBe(1)
})

test('a full queue refuses, and takes items again once it has room', async () => {
  const step = heldStep()
  const lane = createLane({ name: 'test', run: step.run, batchMax: 1, queueMax: 1 })
  const first = lane.submit(1)
  await turn()
  const second = lane.submit(2)
  await expect(lane.submit(3)).rejects.toThrow(LaneFull)
  step.release()
  await turn()
  const third = lane.submit(3)
  step.release()
  await turn()
  step.release()
  expect(await Promise.all([first, second, third])).toEqual([10, 20, 30])
})

test('drain resolves when nothing waits or runs', async () => {
  const step = heldStep()
  const lane = createLane({ name: 'test', run: step.run, batchMax: 1, queueMax: 10 })
  await lane.drain()
  const results = [1, 2].map(item => lane.submit(item))
  await turn()
  let isDrained = false
  const drained = lane.drain().then(() => {
    isDrained = true
  })
  step.release()
  await turn()
  expect(isDrained).toBe(false)
  step.release()
  await drained
  expect(await Promise.all(results)).toEqual([10, 20])
})
