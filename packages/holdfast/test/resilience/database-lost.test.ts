/** The line to the database is lost during a COMMIT, in every step: the checkout goes on as if nothing had happened. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Breakage } from '../../../testing/src/tcp-proxy.ts'
import { describeStore } from '../support/test-store.ts'
import { expectEnd, journeys } from './journeys.ts'
import { type Line, openLine } from './line.ts'

const losses: [string, Breakage][] = [
  ['cut before COMMIT arrives', { when: 'before' }],
  ['cut after COMMIT, its answer lost', { when: 'after', answer: 'COMMIT' }],
]

describeStore(
  'A line',
  store => {
    let line: Line
    beforeAll(async () => {
      line = await openLine(store)
    })
    afterAll(() => line.stop())

    describe.each(losses)('%s', (_, loss) => {
      test.each(journeys)('in the step $step: nobody notices', async journey => {
        const ready = await journey.arrange(store)
        const broken = line.proxy.breakAt('commit\0', loss, journey.wire)
        const told = journey.act(line.engine, ready)
        await broken
        expect(await told).toMatchObject({ status: journey.told })
        await expectEnd(store, journey, ready)
      })
    })

    test('that stalls at a COMMIT, which the server does not notice, in every step at once: each is taken back and done', async () => {
      const stalls = []
      for (const journey of journeys) {
        stalls.push({ journey, ready: await journey.arrange(store), line: await openLine(store) })
      }
      await Promise.all(
        stalls.map(async ({ journey, ready, line }) => {
          const broken = line.proxy.breakAt('commit\0', { when: 'stalled' }, journey.wire)
          const told = journey.act(line.engine, ready)
          await broken
          expect(await told, journey.step).toMatchObject({ status: journey.told })
          await expectEnd(store, journey, ready)
          await line.stop()
        }),
      )
    }, 90_000)
  },
  ['postgres'],
)
