/** Listeners that throw, hang, are slow, or kill their process delay no checkout, and no event is lost. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import type { CheckoutEvent } from '../../src/domain/events.ts'
import { paid } from '../support/store-facts.ts'
import { describeStore } from '../support/test-store.ts'
import { startWorker } from './worker-process.ts'

const token = 'tok_approve'
const buyersCount = 20
const parkedMessage = '[Checkout] delivery parked: redeliver it once its listener works'

/** Registers the listener `noting`, which runs in other processes, so that its events are published. */
const noting = {
  listeners: { CheckoutStarted: [{ name: 'noting', run() {} }], CheckoutCompleted: [{ name: 'noting', run() {} }] },
}

/** A log that collects the alerts about parked deliveries. */
function watchedLog() {
  const alerts: Record<string, unknown>[] = []
  const error = (message: string, fields: Record<string, unknown> = {}) => {
    if (message === parkedMessage) alerts.push(fields)
  }
  return { alerts, log: { info() {}, warn() {}, error } }
}

describeStore(
  'Listeners',
  store => {
    test('that throw, hang, or are slow delay no buyer, are parked with one alert each, and get their events once they work', async () => {
      let isRepaired = false
      let open = (): void => {}
      const opened = new Promise<void>(resolve => {
        open = resolve
      })
      const received: Record<string, string[]> = { throwing: [], hanging: [], slow: [] }
      const receive = (name: string, event: CheckoutEvent) => void received[name]?.push(event.id)
      const throwing = {
        name: 'throwing',
        retriesMax: 0,
        run(event: CheckoutEvent) {
          if (!isRepaired) throw new Error('not today')
          receive('throwing', event)
        },
      }
      const hanging = {
        name: 'hanging',
        retriesMax: 0,
        timeoutMs: 250,
        concurrency: 50,
        run: (event: CheckoutEvent) => (isRepaired ? receive('hanging', event) : new Promise(() => {})),
      }
      const slow = {
        name: 'slow',
        run: async (event: CheckoutEvent) => {
          await opened
          receive('slow', event)
        },
      }
      const all = [throwing, hanging, slow]
      const { alerts, log } = watchedLog()
      const engine = await store.open({
        workers: true,
        log,
        listeners: { CheckoutStarted: all, CheckoutCompleted: all },
      })

      // No listener succeeds, and every buyer is served.
      const sku = await store.article({ stock: [buyersCount] })
      const buyers = await Promise.all(Array.from({ length: buyersCount }, () => store.begin({ [sku]: 1 }, { engine })))
      const outcomes = await Promise.all(buyers.map(({ lockId }) => engine.processCheckout(lockId, { token })))
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'completed' })
      expect(received).toEqual({ throwing: [], hanging: [], slow: [] })

      const eventsCount = 2 * buyersCount
      await vi.waitFor(() => expect(alerts).toHaveLength(2 * eventsCount), { timeout: 20_000 })
      expect(received.slow).toEqual([])
      open()
      await vi.waitFor(() => expect(received.slow).toHaveLength(eventsCount), { timeout: 20_000 })

      const parked = await engine.deliverer.listParked()
      expect(parked).toHaveLength(2 * eventsCount)
      isRepaired = true
      for (const delivery of parked) expect(await engine.deliverer.redeliver(delivery)).toBe(true)
      await store.drain()
      const delivered = await store.sql<{ listener: string; state: string; count: number }>(
        'select listener, state, count(*) as count from holdfast.deliveries group by 1, 2 order by 1',
      )
      expect(delivered).toEqual(
        ['hanging', 'slow', 'throwing'].map(listener => ({ listener, state: 'delivered', count: eventsCount })),
      )
      for (const ids of Object.values(received)) expect(new Set(ids).size).toBe(eventsCount)
      for (const { lockId } of buyers) expect(await store.facts(lockId)).toEqual(paid(1_500))
      expect(alerts).toHaveLength(2 * eventsCount)
    })

    test('that kill their process are parked with an alert after their last attempt, and the order is kept', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      const worker = await startWorker(store, { listeners: ['poisoned'] })
      expect(await worker.call('processCheckout', lockId, { token })).toMatchObject({ status: 'completed' })
      worker.call('deliver').catch(() => {})
      expect(await worker.ended).toBe('SIGKILL')
      // The lease of the dead process expires.
      await store.sql('update holdfast.deliveries set next_at = now() where checkout_id = $1', [lockId])
      const received: string[] = []
      const { alerts, log } = watchedLog()
      const run = (event: CheckoutEvent) => void received.push(event.lock.id)
      const repaired = await store.open({
        apart: true,
        log,
        listeners: { CheckoutCompleted: [{ name: 'poisoned', retriesMax: 0, run }] },
      })
      expect(await repaired.deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 1 })
      expect(received).toEqual([])
      expect(alerts).toMatchObject([{ listener: 'poisoned', lockId, attempts: 2 }])
      const [parked] = await repaired.deliverer.listParked()
      if (parked === undefined) throw new Error('nothing is parked')
      await repaired.deliverer.redeliver(parked)
      expect(await repaired.deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
      expect(received).toEqual([lockId])
      expect(await store.facts(lockId)).toEqual(paid(1_500))
    }, 90_000)

    test('whose process is killed between effect and record get the event again, before later events', async () => {
      const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-notes-'))
      const file = path.join(directory, 'notes')
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine: await store.open(noting) })
      const rows = () =>
        store.sql<{ type: string; state: string; leased: boolean; attempts: number; epoch: number }>(
          `select type, state, leased, attempts, epoch from holdfast.deliveries
           where checkout_id = $1 and listener = 'noting' order by position`,
          [lockId],
        )
      const doomed = await startWorker(store, { listeners: ['noting'], notes: { file, diesAfter: 'CheckoutStarted' } })
      expect(await doomed.call('processCheckout', lockId, { token })).toMatchObject({ status: 'completed' })
      doomed.call('deliver').catch(() => {})
      expect(await doomed.ended).toBe('SIGKILL')
      // The effect has happened. Its delivery has a lease and no result, and the later delivery is untouched.
      expect(await rows()).toEqual([
        { type: 'CheckoutStarted', state: 'due', leased: true, attempts: 1, epoch: 1 },
        { type: 'CheckoutCompleted', state: 'due', leased: false, attempts: 0, epoch: 0 },
      ])

      const heir = await startWorker(store, { listeners: ['noting'], notes: { file } })
      expect(await heir.call('deliver')).toEqual({ delivered: 0, failed: 0, parked: 0 })
      await store.sql('update holdfast.deliveries set next_at = now() where checkout_id = $1 and leased', [lockId])
      expect(await heir.call('deliver')).toEqual({ delivered: 1, failed: 0, parked: 0 })
      expect(await heir.call('deliver')).toEqual({ delivered: 1, failed: 0, parked: 0 })
      await heir.kill()
      expect(await rows()).toEqual([
        { type: 'CheckoutStarted', state: 'delivered', leased: false, attempts: 2, epoch: 3 },
        { type: 'CheckoutCompleted', state: 'delivered', leased: false, attempts: 1, epoch: 2 },
      ])
      const [first, again, after, ...more] = (await readFile(file, 'utf8')).trim().split('\n')
      await rm(directory, { recursive: true })
      expect(first).toMatch(/^CheckoutStarted /)
      expect(again).toBe(first)
      expect(after).toMatch(/^CheckoutCompleted /)
      expect(more).toEqual([])
    }, 90_000)
  },
  ['postgres'],
)
