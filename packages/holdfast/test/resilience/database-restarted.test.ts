/** The database is restarted, in order or by a crash, while every step of a checkout is at its COMMIT. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Breakage } from '../../../testing/src/tcp-proxy.ts'
import { describeStore } from '../support/test-store.ts'
import { expectEnd, journeys, type Ready } from './journeys.ts'
import { type Line, openLine } from './line.ts'
import { openOnOwnServer, ownServer } from './own-server.ts'

type Restart = 'fast' | 'immediate'
const beforeIt: Breakage = { when: 'withheld' }
const afterIt: Breakage = { when: 'held', answer: 'COMMIT' }

describeStore(
  'A server that is restarted in the middle of every step at once',
  store => {
    const lines: Line[] = []
    beforeAll(async () => {
      const server = (await ownServer()).url()
      for (const _ of journeys) lines.push(await openLine(store, { server, numbers: { answerWithinMs: 50 } }))
    })
    afterAll(async () => {
      await Promise.all(lines.map(line => line.stop()))
    })

    /** Brings every step to its COMMIT, restarts the server, and gives what each client is told, or the reason why not. */
    async function restart(mode: Restart, loss: Breakage) {
      const readies: Ready[] = []
      for (const journey of journeys) readies.push(await journey.arrange(store))
      const steps = journeys.map((journey, index) => {
        const [line, ready] = [lines[index] as Line, readies[index] as Ready]
        const there = line.proxy.breakAt('commit\0', loss, journey.wire)
        const told = journey.act(line.engine, ready).then(
          ({ status }) => status,
          (error: { code?: string }) => error.code ?? String(error),
        )
        return { journey, ready, line, there, told }
      })
      await Promise.all(steps.map(step => step.there))
      await (await ownServer()).restart(mode)
      return Promise.all(steps.map(async step => ({ ...step, told: await step.told })))
    }

    /** The gateway's ledger stands on the same server: an answer of its may be lost, too, and is asked for later. */
    const inOrder = (told: string) => [told, 'processing']
    /** After a crash the number of a transaction may be given again: what came of it then cannot always be known. */
    const byCrash = (told: string) => [told, 'processing', 'commit_unknown']

    test.each([
      ['in order, before COMMIT arrives: nobody is refused', 'fast', beforeIt, inOrder],
      ['in order, after COMMIT, its answer lost: nobody is refused', 'fast', afterIt, inOrder],
      ['by a crash, before COMMIT arrives: nobody is told what is not certain', 'immediate', beforeIt, byCrash],
      ['by a crash, after COMMIT, its answer lost: nobody is told what is not certain', 'immediate', afterIt, byCrash],
    ] as const)(
      '%s, and all of it ends well',
      async (_, mode, loss, allowed) => {
        const steps = await restart(mode, loss)
        for (const { journey, told } of steps) expect(allowed(journey.told), journey.step).toContain(told)
        expect(await store.violations()).toEqual([])
        await store.drain()
        for (const { journey, ready, line } of steps) {
          expect(await journey.act(line.engine, ready), journey.step).toMatchObject({ status: journey.told })
          await expectEnd(store, journey, ready)
        }
      },
      90_000,
    )
  },
  ['postgres'],
  () => openOnOwnServer(),
)
