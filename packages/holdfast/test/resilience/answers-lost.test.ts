/** The connection is lost while deliveries and webhooks are written: none is lost, and none counts twice. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Breakage } from '../../../testing/src/tcp-proxy.ts'
import { describeStore } from '../support/test-store.ts'
import { type Line, openLine } from './proxied-engine.ts'

const duringCommit: [string, Breakage][] = [
  ['before COMMIT arrives', { when: 'before' }],
  ['after COMMIT, with its answer lost', { when: 'after', answer: 'COMMIT' }],
]
const duringClaim: [string, Breakage][] = [
  ['before the statement arrives', { when: 'before' }],
  ['after the statement, with its answer lost', { when: 'after', answer: 'SELECT' }],
]

describeStore(
  'A connection lost',
  store => {
    let line: Line
    let ran: string[]
    let lockId: string
    beforeAll(async () => {
      const mail = { name: 'mail', run: (event: { id: string }) => void ran.push(event.id) }
      const gateway = {
        ...store.gateway,
        verifyWebhook: async (_: Headers, body: string) => ({
          type: 'hint',
          reference: null,
          payload: {},
          ...JSON.parse(body),
        }),
      }
      line = await openLine(store, { gateway, listeners: { CheckoutCompleted: [mail] } })
    })
    afterAll(() => line.stop())
    beforeEach(async () => {
      ran = []
      lockId = (await store.begin({ [await store.article()]: 1 })).lockId
      await line.engine.processCheckout(lockId, { token: 'tok_approve' })
    })

    test.each(duringCommit)(
      'while a delivery is recorded, %s: the delivery is recorded, and its listener ran once',
      async (_, loss) => {
        const broken = line.proxy.breakAt('commit\0', loss, /deliveries_record/)
        const summary = line.engine.deliverer.runOnce()
        await broken
        expect(await summary).toEqual({ delivered: 1, failed: 0, parked: 0 })
        expect((await line.engine.deliverer.runOnce()).delivered).toBe(0)
        expect(ran).toHaveLength(1)
      },
    )

    test.each(duringClaim)(
      'while a delivery is leased, %s: it is delivered after the lease at the latest',
      async (_, loss) => {
        const broken = line.proxy.breakAt('deliveries_lease', loss)
        const summary = line.engine.deliverer.runOnce()
        const refused = expect(summary).rejects.toMatchObject({ code: 'connection_lost' })
        await broken
        await refused
        expect(ran).toEqual([])
        await store.sql('update holdfast.deliveries set next_at = now() where checkout_id = $1', [lockId])
        expect(await line.engine.deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
        expect(ran).toHaveLength(1)
      },
    )

    test('while a webhook is stored: the request fails, and the repeated webhook is stored once', async () => {
      const body = JSON.stringify({ id: `hint ${lockId}`, checkoutId: lockId })
      const receive = () => line.engine.receiveWebhook('sandbox', new Headers(), body)
      const broken = line.proxy.breakAt('insert_webhook', { when: 'after', answer: 'INSERT' })
      const refused = expect(receive()).rejects.toMatchObject({ code: 'connection_lost' })
      await broken
      await refused
      expect(await receive()).toBe(true)
      await line.engine.recover()
      const kept = await store.sql(
        'select handled_at is not null as handled from holdfast.webhooks where checkout_id = $1',
        [lockId],
      )
      expect(kept).toEqual([{ handled: true }])
      await line.engine.deliverer.runOnce()
    })
  },
  ['postgres'],
)
