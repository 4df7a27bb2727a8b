/** Tests of the queue of due jobs. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createDueQueue } from '../../src/world/due-queue.ts'

it('jobs are returned in the order of their times, and in order of insertion for equal times', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(50), fc.constant(null))), steps => {
      const queue = createDueQueue<number>()
      let expected: { dueMs: number; value: number }[] = []
      steps.forEach((dueMs, value) => {
        if (dueMs !== null) {
          queue.add(dueMs, value)
          expected = [...expected, { dueMs, value }].sort((a, b) => a.dueMs - b.dueMs || a.value - b.value)
          expect(queue.nextMs()).toBe(expected[0]?.dueMs)
          return
        }
        const next = expected[0]
        const isDue = next !== undefined && next.dueMs <= 25
        expect(queue.take(25)).toEqual(isDue ? next : null)
        if (isDue) expected.shift()
      })
      expect(expected.map(() => queue.take(50))).toEqual(expected)
      expect([queue.take(50), queue.nextMs()]).toEqual([null, null])
    }),
  )
})
