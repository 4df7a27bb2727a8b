/** Batching sends a single item at once and many together, and settles each submit with its own message. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Batching, createBatching } from '../../src/notify/batching.ts'

const windowMs = 1_000
const never = new AbortController().signal

interface Message {
  atMs: number
  items: readonly number[]
  signal: AbortSignal
  answer(): void
  refuse(error: Error): void
}

/** A batching whose messages are answered by the test, or automatically after `takesMs`. */
function open({ batchMax = 1_000, takesMs = -1 }: { batchMax?: number; takesMs?: number } = {}) {
  const messages: Message[] = []
  const batching = createBatching<number>({
    windowMs,
    batchMax,
    send: (items, signal) =>
      new Promise((answer, refuse) => {
        messages.push({ atMs: Date.now(), items, signal, answer, refuse })
        if (takesMs >= 0) setTimeout(answer, takesMs)
      }),
  })
  return { batching, messages }
}

/** Submits an item and records its result as soon as it is known. */
function follow(batching: Batching<number>, item: number, signal: AbortSignal = never) {
  const followed = { item, result: 'waiting' as string }
  batching.submit(item, signal).then(
    () => {
      followed.result = 'accepted'
    },
    (error: unknown) => {
      followed.result = error instanceof Error ? error.message : String(error)
    },
  )
  return followed
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const itemsOf = (messages: readonly Message[]) => messages.map(message => message.items)

describe('batching', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    // No timer may be left that keeps a process alive.
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  test('sends the first item after a quiet time at once, and later items together once the window ends', async () => {
    const { batching, messages } = open({ takesMs: 0 })
    const all = [1, 2, 3].map(item => follow(batching, item))
    expect(itemsOf(messages)).toEqual([[1]])
    await pass(windowMs - 1)
    expect(all.map(each => each.result)).toEqual(['accepted', 'waiting', 'waiting'])
    await pass(2)
    expect(itemsOf(messages)).toEqual([[1], [2, 3]])
    expect(all.map(each => each.result)).toEqual(['accepted', 'accepted', 'accepted'])
    await pass(windowMs)
    // A quiet time has passed again.
    follow(batching, 4)
    expect(itemsOf(messages)).toEqual([[1], [2, 3], [4]])
    await pass(windowMs)
  })

  test('does not accept an item before its own message is accepted', async () => {
    const { batching, messages } = open()
    const first = follow(batching, 1)
    const second = follow(batching, 2)
    messages[0]?.answer()
    await pass(windowMs)
    expect([first.result, second.result]).toEqual(['accepted', 'waiting'])
    messages[1]?.answer()
    await pass(windowMs)
    expect(second.result).toBe('accepted')
  })

  test('fails exactly the items of a refused message, and keeps the window open', async () => {
    const { batching, messages } = open()
    const first = follow(batching, 1)
    messages[0]?.refuse(new Error('no'))
    await pass(1)
    expect(first.result).toBe('no')
    const again = follow(batching, 1)
    const second = follow(batching, 2)
    expect(messages).toHaveLength(1)
    await pass(windowMs)
    messages[1]?.answer()
    await pass(windowMs)
    expect(itemsOf(messages)).toEqual([[1], [1, 2]])
    expect([again.result, second.result]).toEqual(['accepted', 'accepted'])
  })

  test('fails the submit if sending throws synchronously', async () => {
    const batching = createBatching<number>({
      windowMs,
      batchMax: 10,
      send: () => {
        throw new Error('broken')
      },
    })
    const one = follow(batching, 1)
    await pass(windowMs)
    expect(one.result).toBe('broken')
  })

  test('drops an item whose signal is aborted while it waits', async () => {
    const { batching, messages } = open({ takesMs: 0 })
    follow(batching, 1)
    const stop = new AbortController()
    const second = follow(batching, 2, stop.signal)
    const third = follow(batching, 3)
    stop.abort(new Error('stopped'))
    await pass(1)
    expect(second.result).toBe('stopped')
    await pass(2 * windowMs)
    expect(itemsOf(messages)).toEqual([[1], [3]])
    expect(third.result).toBe('accepted')
    const late = follow(batching, 4, stop.signal)
    await pass(1)
    expect(late.result).toBe('stopped')
    expect(messages).toHaveLength(2)
  })

  test('continues a message while any submit waits for it, and aborts it when none does', async () => {
    const { batching, messages } = open()
    const stops = [1, 2].map(() => new AbortController())
    follow(batching, 0)
    messages[0]?.answer()
    const [first, second] = stops.map((stop, index) => follow(batching, index + 1, stop.signal))
    await pass(windowMs)
    stops[0]?.abort(new Error('stopped'))
    await pass(1)
    expect(first?.result).toBe('stopped')
    expect(messages[1]?.signal.aborted).toBe(false)
    stops[1]?.abort(new Error('stopped'))
    await pass(1)
    expect(second?.result).toBe('stopped')
    expect(messages[1]?.signal.aborted).toBe(true)
    // The message never ends, but delays no others.
    await pass(windowMs)
    const third = follow(batching, 3)
    messages[2]?.answer()
    await pass(windowMs)
    expect(itemsOf(messages)).toEqual([[0], [1, 2], [3]])
    expect(third.result).toBe('accepted')
  })

  test('sends waiting items on close, and waits for the answer', async () => {
    const { batching, messages } = open()
    follow(batching, 1)
    const second = follow(batching, 2)
    messages[0]?.answer()
    await pass(10)
    let closed = false
    const closing = batching.close().then(() => {
      closed = true
    })
    await pass(0)
    expect(itemsOf(messages)).toEqual([[1], [2]])
    expect(closed).toBe(false)
    const third = follow(batching, 3)
    messages[1]?.answer()
    await pass(0)
    messages[2]?.answer()
    await closing
    await pass(0)
    expect(itemsOf(messages)).toEqual([[1], [2], [3]])
    expect([second.result, third.result]).toEqual(['accepted', 'accepted'])
  })

  test('loses no item, accepts none twice, and sends one message per window, for any arrivals', async () => {
    const step = fc.record({
      waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 * windowMs })),
      count: fc.integer({ min: 1, max: 12 }),
      givenUpAfterMs: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 2 * windowMs })),
    })
    const batchMax = 5
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 15 }),
        fc.integer({ min: 0, max: 2_500 }),
        async (steps, takesMs) => {
          const { batching, messages } = open({ batchMax, takesMs })
          const all: (ReturnType<typeof follow> & { mayLeave: boolean })[] = []
          for (const { waitMs, count, givenUpAfterMs } of steps) {
            await pass(waitMs)
            for (let index = 0; index < count; index += 1) {
              const stop = new AbortController()
              if (givenUpAfterMs !== null) setTimeout(() => stop.abort(new Error('given up')), givenUpAfterMs)
              const mayLeave = givenUpAfterMs !== null
              all.push(Object.assign(follow(batching, all.length, stop.signal), { mayLeave }))
            }
          }
          await vi.runAllTimersAsync()
          await batching.close()

          const sent = messages.flatMap(message => message.items)
          expect(new Set(sent).size).toBe(sent.length)
          for (const { item, result, mayLeave } of all) {
            expect(result).not.toBe('waiting')
            if (!mayLeave) expect(result).toBe('accepted')
            if (result === 'accepted') expect(sent).toContain(item)
          }
          for (const [index, message] of messages.entries()) {
            expect(message.items.length).toBeGreaterThan(0)
            expect(message.items.length).toBeLessThanOrEqual(batchMax)
            const before = messages[index - 1]
            if (before !== undefined) expect(message.atMs - before.atMs).toBeGreaterThanOrEqual(windowMs)
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})
