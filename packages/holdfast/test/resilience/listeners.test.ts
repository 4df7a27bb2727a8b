/** Listeners that throw, hang, are slow or kill their process: no checkout is slower for it, and nothing is forgotten. */
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

/** What a process must know to publish for the listener `noting` of others. */
const noting = {
  listeners: { CheckoutStarted: [{ name: 'noting', run() {} }], CheckoutCompleted: [{ name: 'noting', run() {} }] },
}

/** A log that keeps what it is told of as needing attention. */
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
    test('that throw, hang or wait hold up no buyer, are parked with one alert each, and hear of it when they work', async () => {
      let isMended = false
      let open = (): void => {}
      const opened = new Promise<void>(resolve => {
        open = resolve
      })
      const heard: Record<string, string[]> = { throwing: [], hanging: [], slow: [] }
      const hear = (name: string, event: CheckoutEvent) => void heard[name]?.push(event.id)
      const throwing = {
        name: 'throwing',
        retriesMax: 0,
        run(event: CheckoutEvent) {
          if (!isMended) throw new Error('not today')
          hear('throwing', event)
        },
      }
      const hanging = {
        name: 'hanging',
        retriesMax: 0,
        timeoutMs: 20,
        concurrency: 50,
        run: (event: CheckoutEvent) => (isMended ? hear('hanging', event) : new Promise(() => {})),
      }
      const slow = {
        name: 'slow',
        run: async (event: CheckoutEvent) => {
          await opened
          hear('slow', event)
        },
      }
      const all = [throwing, hanging, slow]
      const { alerts, log } = watchedLog()
      const engine = await store.open({
        workers: true,
        log,
        listeners: { CheckoutStarted: all, CheckoutCompleted: all },
      })

      // Not one of them gets through: everybody is served all the same.
      const sku = await store.article({ stock: [buyersCount] })
      const buyers = await Promise.all(Array.from({ length: buyersCount }, () => store.begin({ [sku]: 1 }, { engine })))
      const outcomes = await Promise.all(buyers.map(({ lockId }) => engine.processCheckout(lockId, { token })))
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'completed' })
      expect(heard).toEqual({ throwing: [], hanging: [], slow: [] })

      const eventsCount = 2 * buyersCount
      await vi.waitFor(() => expect(alerts).toHaveLength(2 * eventsCount), { timeout: 20_000 })
      expect(heard.slow).toEqual([])
      open()
      await vi.waitFor(() => expect(heard.slow).toHaveLength(eventsCount), { timeout: 20_000 })

      const parked = await engine.deliverer.listParked()
      expect(parked).toHaveLength(2 * eventsCount)
      isMended = true
      for (const delivery of parked) expect(await engine.deliverer.redeliver(delivery)).toBe(true)
      await store.drain()
      const delivered = await store.sql<{ listener: string; state: string; count: number }>(
        'select listener, state, count(*) as count from holdfast.deliveries group by 1, 2 order by 1',
      )
      expect(delivered).toEqual(
        ['hanging', 'slow', 'throwing'].map(listener => ({ listener, state: 'delivered', count: eventsCount })),
      )
      for (const ids of Object.values(heard)) expect(new Set(ids).size).toBe(eventsCount)
      for (const { lockId } of buyers) expect(await store.facts(lockId)).toEqual(paid(1_500))
      expect(alerts).toHaveLength(2 * eventsCount)
    })

    test('that kill their process: parked with an alert after the tries they have, and the order stands', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      const worker = await startWorker(store, { listens: ['poisoned'] })
      expect(await worker.call('processCheckout', lockId, { token })).toMatchObject({ status: 'completed' })
      worker.call('deliver').catch(() => {})
      expect(await worker.ended).toBe('SIGKILL')
      // The lease of the dead is over.
      await store.sql('update holdfast.deliveries set next_at = now() where checkout_id = $1', [lockId])
      const heard: string[] = []
      const { alerts, log } = watchedLog()
      const run = (event: CheckoutEvent) => void heard.push(event.lock.id)
      const mended = await store.open({
        apart: true,
        log,
        listeners: { CheckoutCompleted: [{ name: 'poisoned', retriesMax: 0, run }] },
      })
      expect(await mended.deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 1 })
      expect(heard).toEqual([])
      expect(alerts).toMatchObject([{ listener: 'poisoned', lockId, attempts: 2 }])
      const [parked] = await mended.deliverer.listParked()
      if (parked === undefined) throw new Error('nothing is parked')
      await mended.deliverer.redeliver(parked)
      expect(await mended.deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
      expect(heard).toEqual([lockId])
      expect(await store.facts(lockId)).toEqual(paid(1_500))
    }, 90_000)

    test('whose process is killed between effect and record hear of it again, before what came after it', async () => {
      const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-notes-'))
      const file = path.join(directory, 'notes')
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine: await store.open(noting) })
      const rows = () =>
        store.sql<{ type: string; state: string; leased: boolean; attempts: number; epoch: number }>(
          `select type, state, leased, attempts, epoch from holdfast.deliveries
           where checkout_id = $1 and listener = 'noting' order by position`,
          [lockId],
        )
      const doomed = await startWorker(store, { listens: ['noting'], notes: { file, diesAfter: 'CheckoutStarted' } })
      expect(await doomed.call('processCheckout', lockId, { token })).toMatchObject({ status: 'completed' })
      doomed.call('deliver').catch(() => {})
      expect(await doomed.ended).toBe('SIGKILL')
      // The effect is there; of its delivery there is a lease and no result, and what came after it was not touched.
      expect(await rows()).toEqual([
        { type: 'CheckoutStarted', state: 'due', leased: true, attempts: 1, epoch: 1 },
        { type: 'CheckoutCompleted', state: 'due', leased: false, attempts: 0, epoch: 0 },
      ])

      const heir = await startWorker(store, { listens: ['noting'], notes: { file } })
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
