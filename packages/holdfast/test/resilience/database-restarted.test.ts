/** The database restarts, cleanly or by a crash, while every step of a checkout is at its COMMIT. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Breakage } from '../../../testing/src/tcp-proxy.ts'
import { describeStore } from '../support/test-store.ts'
import { expectEnd, journeys, type Ready } from './journeys.ts'
import { openOnOwnServer, ownServer } from './own-server.ts'
import { type Line, openLine } from './proxied-engine.ts'

type Restart = 'fast' | 'immediate'
const beforeIt: Breakage = { when: 'withheld' }
const afterIt: Breakage = { when: 'held', answer: 'COMMIT' }

describeStore(
  'A server that restarts in the middle of every step at once',
  store => {
    const lines: Line[] = []
    beforeAll(async () => {
      const server = (await ownServer()).url()
      for (const _ of journeys) lines.push(await openLine(store, { server, numbers: { answerWithinMs: 50 } }))
    })
    afterAll(async () => {
      await Promise.all(lines.map(line => line.stop()))
    })

    /** Brings every step to its COMMIT, restarts the server, and returns the status or error code of each client. */
    async function restart(mode: Restart, loss: Breakage) {
      const readies: Ready[] = []
      for (const journey of journeys) readies.push(await journey.arrange(store))
      const steps = journeys.map((journey, index) => {
        const [line, ready] = [lines[index] as Line, readies[index] as Ready]
        const there = line.proxy.breakAt('commit\0', loss, journey.wire)
        const answer = journey.act(line.engine, ready).then(
          ({ status }) => status,
          (error: { code?: string }) => error.code ?? String(error),
        )
        return { journey, ready, line, there, answer }
      })
      await Promise.all(steps.map(step => step.there))
      await (await ownServer()).restart(mode)
      return Promise.all(steps.map(async step => ({ ...step, answer: await step.answer })))
    }

    /** The sandbox's ledger is on the same server, so an answer of the gateway may be lost as well and is asked for later. */
    const cleanly = (status: string) => [status, 'processing']
    /** After a crash a transaction ID may be assigned again, so the outcome of a COMMIT cannot always be known. */
    const byCrash = (status: string) => [status, 'processing', 'commit_unknown']
    /** A single read is not retried; the client repeats a call whose last read met the dead server. */
    const byCrashAfterCommit = (status: string) => [...byCrash(status), 'connection_lost']

    test.each([
      ['cleanly, before COMMIT arrives: no call fails', 'fast', beforeIt, cleanly],
      ['cleanly, after COMMIT, with its answer lost: no call fails', 'fast', afterIt, cleanly],
      ['by a crash, before COMMIT arrives: no answer is a guess', 'immediate', beforeIt, byCrash],
      [
        'by a crash, after COMMIT, with its answer lost: no answer is a guess',
        'immediate',
        afterIt,
        byCrashAfterCommit,
      ],
    ] as const)(
      '%s, and every checkout ends as without the restart',
      async (_, mode, loss, allowed) => {
        const steps = await restart(mode, loss)
        for (const { journey, answer } of steps) expect(allowed(journey.status), journey.step).toContain(answer)
        expect(await store.violations()).toEqual([])
        await store.drain()
        for (const { journey, ready, line } of steps) {
          expect(await journey.act(line.engine, ready), journey.step).toMatchObject({ status: journey.status })
          await expectEnd(store, journey, ready)
        }
      },
      90_000,
    )
  },
  ['postgres'],
  () => openOnOwnServer(),
)
