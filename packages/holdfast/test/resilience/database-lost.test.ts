/** The connection is lost during the COMMIT of every step: the checkout continues as if nothing had happened. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Breakage } from '../../../testing/src/tcp-proxy.ts'
import { describeStore } from '../support/test-store.ts'
import { expectEnd, journeys } from './journeys.ts'
import { type Line, openLine } from './proxied-engine.ts'

const losses: [string, Breakage][] = [
  ['lost before COMMIT arrives', { when: 'before' }],
  ['lost after COMMIT, with its answer', { when: 'after', answer: 'COMMIT' }],
]

describeStore(
  'A connection',
  store => {
    let line: Line
    beforeAll(async () => {
      line = await openLine(store)
    })
    afterAll(() => line.stop())

    describe.each(losses)('%s', (_, loss) => {
      test.each(journeys)('in the step $step does not affect the client', async journey => {
        const ready = await journey.arrange(store)
        const broken = line.proxy.breakAt('commit\0', loss, journey.wire)
        const answer = journey.act(line.engine, ready)
        await broken
        expect(await answer).toMatchObject({ status: journey.status })
        await expectEnd(store, journey, ready)
      })
    })

    test('that stalls at the COMMIT of every step at once, unnoticed by the server: each step is rolled back and repeated', async () => {
      const stalls = []
      for (const journey of journeys) {
        stalls.push({ journey, ready: await journey.arrange(store), line: await openLine(store) })
      }
      await Promise.all(
        stalls.map(async ({ journey, ready, line }) => {
          const broken = line.proxy.breakAt('commit\0', { when: 'stalled' }, journey.wire)
          const answer = journey.act(line.engine, ready)
          await broken
          expect(await answer, journey.step).toMatchObject({ status: journey.status })
          await expectEnd(store, journey, ready)
          await line.stop()
        }),
      )
    }, 90_000)
  },
  ['postgres'],
)
