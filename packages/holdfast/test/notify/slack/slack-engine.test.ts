/** Slack through the engine: few messages per outage, no loss if a process dies, and no endless alerts. */
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { CheckoutAlert } from '../../../src/domain/alert.ts'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { createAlerts } from '../../../src/notify/alerts/alerts.ts'
import { createSlackListeners } from '../../../src/notify/slack/slack.ts'
import { describeStore } from '../../support/test-store.ts'
import { openSlackEndpoint, type Received, wordsOf } from './slack-endpoint.ts'

describeStore(
  'Slack through the engine',
  store => {
    let endpoint: Awaited<ReturnType<typeof openSlackEndpoint>>
    beforeAll(async () => {
      endpoint = await openSlackEndpoint()
    })
    afterAll(() => endpoint.close())
    beforeEach(() => {
      endpoint.received.length = 0
      endpoint.answer = null
    })
    const slack = (windowMs = 150) =>
      createSlackListeners({ webhookUrl: endpoint.url, shopName: 'Lamps', windowMs, timeoutMs: 5_000 })

    /** Concurrent buyers whose cards are declined. */
    async function decline(engine: CheckoutEngine, count: number): Promise<string[]> {
      const sku = await store.article({ stock: [count] })
      return Promise.all(
        Array.from({ length: count }, async () => {
          const { lockId } = await store.begin({ [sku]: 1 }, { engine })
          const outcome = await engine.processCheckout(lockId, { token: 'tok_decline' })
          expect(outcome.status).toBe('failed')
          return lockId
        }),
      )
    }

    const deliveriesOf = (listener: string) =>
      store.sql<{ state: string; count: number }>(
        `select state, count(*)::integer as count from holdfast.deliveries where listener = $1 group by state`,
        [listener],
      )
    const countIn = ({ blocks }: Received) => Number(/^(\d+) checkouts/.exec(blocks[0]?.text?.text ?? '')?.[1] ?? 1)

    test('an outage is reported in a few messages whose numbers include every checkout', async () => {
      const { listeners, flush } = slack()
      const engine = await store.open({ listeners })
      await decline(engine, 300)
      engine.deliverer.start(20)
      await expect
        .poll(() => deliveriesOf('slack.checkout-failure'), { timeout: 20_000 })
        .toEqual([{ state: 'delivered', count: 300 }])
      await engine.deliverer.stop()
      await flush()
      expect(endpoint.received.reduce((sum, message) => sum + countIn(message), 0)).toBe(300)
      expect(endpoint.received.length).toBeLessThanOrEqual(6)
      const words = endpoint.received.map(wordsOf).join('\n')
      expect(words).toContain('`payment_declined` in payment authorization')
      expect(words).not.toMatch(/example\.com|Storgatan|tok_|session-/)
    })

    test('a message not accepted before a process died is delivered by another process', async () => {
      const held: ServerResponse[] = []
      endpoint.answer = response => void held.push(response)
      const dead = slack(60_000)
      const first = await store.open({ listeners: dead.listeners })
      const lockIds = await decline(first, 10)
      const dying = first.deliverer.runOnce()
      await expect.poll(() => held.length).toBe(1)

      // The leases have expired, so the next process takes over all deliveries.
      await store.sql(`update holdfast.deliveries set next_at = now() - interval '1 second' where leased`)
      endpoint.answer = null
      const alive = slack(0)
      const second = await store.open({ listeners: alive.listeners })
      expect(await second.deliverer.runOnce()).toEqual({ delivered: 10, failed: 0, parked: 0 })
      const words = endpoint.received.map(wordsOf).join('\n')
      for (const lockId of lockIds) expect(words).toContain(lockId)

      // The late result of the first process is ignored.
      endpoint.answer = response => response.writeHead(500).end()
      for (const response of held) response.writeHead(500).end()
      await dead.flush()
      expect(await dying).toEqual({ delivered: 0, failed: 0, parked: 0 })
    })

    test('a delivery that Slack rejects is parked, its alert reaches the other channel, and no alert raises another', async () => {
      endpoint.answer = response => response.writeHead(404).end('no_service')
      const { listeners, alert } = slack(0)
      const patient = listeners.CheckoutFailed?.[0] as object
      const elsewhere: CheckoutAlert[] = []
      const lost: string[] = []
      const alerts = createAlerts({
        channels: [
          { name: 'slack', send: alert },
          { name: 'mail', send: async group => void elsewhere.push(...group) },
        ],
        onLost: channel => lost.push(channel),
        windowMs: 0,
        pausesMs: [0, 0],
      })
      const lines: Record<string, unknown>[] = []
      const engine = await store.open({
        listeners: { CheckoutFailed: [{ ...patient, retriesMax: 0 } as never] },
        onAlert: alerts.raise,
        log: { info() {}, warn() {}, error: (message, fields) => void lines.push({ message, ...fields }) },
      })
      const [lockId] = await decline(engine, 1)
      const { requests } = endpoint
      expect(await engine.deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 1 })
      await expect.poll(() => lost).toEqual(['slack'])
      await alerts.close()
      // The delivery itself, and its alert in three attempts.
      expect(endpoint.requests - requests).toBe(4)
      expect(elsewhere).toMatchObject([
        { code: 'delivery_parked', lockId, context: { listener: 'slack.checkout-failure', attempts: 1 } },
      ])
      expect(lines).toMatchObject([
        { alert: 'delivery_parked', lockId, error: 'Error: Slack answered 404 (no_service)' },
      ])
      const rows = await store.sql<{ last_error: string }>(
        `select last_error from holdfast.deliveries where state = 'parked'`,
      )
      expect(JSON.stringify([rows, lines])).not.toMatch(/services|127\.0\.0\.1/)
    })

    test('a stuck rollback raises one alert', async () => {
      const { alert } = slack()
      const alerts = createAlerts({ channels: [{ name: 'slack', send: alert }], onLost() {}, windowMs: 0 })
      const engine = await store.open({ onAlert: alerts.raise })
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 1 }, { engine })
      store.faults.with = ({ kind }) => (kind === 'void' ? 'error_before' : null)
      await engine.processCheckout(lockId, { token: 'tok_capture_decline' })
      for (let round = 0; round < 14; round += 1) {
        await store.wake(lockId)
        await engine.recover()
      }
      await alerts.close()
      expect(endpoint.received).toHaveLength(1)
      const words = wordsOf(endpoint.received[0] as Received)
      expect(words).toContain('rollback stuck: the gateway has not confirmed the void or refund')
      expect(words).toContain(lockId)
    })
  },
  ['postgres'],
)
