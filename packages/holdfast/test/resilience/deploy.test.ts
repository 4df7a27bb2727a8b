/** A process is killed with checkouts at every resting place, and others with another configuration come after it. */
import { expect, test } from 'vitest'
import { migrate } from '../../src/database/migrate.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'
import { startWorker, type Worker } from './worker-process.ts'

/** Ten checkouts, each where the name says; in the last ones the worker is in the middle of something. */
async function leave(store: TestStore, worker: Worker): Promise<Record<string, string>> {
  const sku = await store.article({ stock: [100] })
  const left: Record<string, string> = {}
  async function begun(name: string): Promise<string> {
    const { cartId, sessionId } = await store.cart({ [sku]: 1 })
    const { id } = await worker.call('startCheckout', cartId, { sessionId })
    left[name] = id
    return id
  }
  async function processed(name: string, token: string, more = {}) {
    const id = await begun(name)
    return worker.call('processCheckout', id, { token, ...more })
  }
  await begun('pending')
  await begun('expired')
  await store.expire(left.expired ?? '')
  await processed('authorizing', 'tok_pending')
  await processed('awaiting_action', 'tok_action_required')
  await processed('awaiting_capture', 'tok_approve', { captureLater: true })
  await processed('rolling_back', 'tok_void_fails')
  await processed('completed', 'tok_approve')
  const { order } = await processed('refunded', 'tok_approve')
  const busy = [
    ['before_call:refund', () => worker.call('refundOrder', order.id)],
    ['after_call:capture', () => processed('capturing, asked', 'tok_approve')],
    ['before_call:void', () => processed('rolling_back, not asked', 'tok_capture_decline')],
    ['after_call:authorize', () => processed('authorizing, asked', 'tok_approve')],
    ['before_commit:authorizing', () => processed('pending, nearly authorizing', 'tok_approve')],
  ] as const
  for (const [point, act] of busy) {
    const there = worker.stopAt(point)
    // Killed before it answers.
    act().catch(() => {})
    await there
  }
  return left
}

describeStore(
  'A deployment',
  store => {
    test('takes over whatever the old process left, with other leases, other times and other listeners', async () => {
      const worker = await startWorker(store, { listens: ['old'] })
      const left = await leave(store, worker)
      await worker.kill()
      expect(await store.violations()).toEqual([])
      const expiries = () => store.sql('select id, expires_at from holdfast.checkouts order by id')
      const before = await expiries()

      const heard: string[] = []
      const fresh = () =>
        store.open({
          apart: true,
          migrate: true,
          config: { leaseSeconds: 5, ttlMinutes: 1 },
          listeners: { CheckoutCompleted: [{ name: 'new', run: event => void heard.push(event.lock.id) }] },
        })
      const [one] = await Promise.all([fresh(), fresh()])
      expect(await migrate(store.database)).toEqual([])
      expect(await expiries()).toEqual(before)
      await store.drain(one)

      const state = async (name: string) => (await store.facts(left[name] ?? '')).state
      for (const name of Object.keys(left)) {
        const is = await state(name)
        if (name.startsWith('pending')) expect(is, name).toBe('pending')
        else if (name.startsWith('awaiting')) expect(is, name).toBe(name)
        else if (name === 'expired' || name.startsWith('rolling_back')) expect(is, name).toBe('failed')
        else expect(is, name).toBe('completed')
      }
      expect(await store.facts(left.refunded ?? '')).toMatchObject({ order: 'refunded', charged: 0 })

      // What waits for people goes on with the new process, too.
      await store.gateway.approve(`sbx_${left.awaiting_action}:authorize:1`)
      expect(await one.resumeCheckout(left.awaiting_action ?? '')).toMatchObject({ status: 'completed' })
      expect(await one.captureCheckout(left.awaiting_capture ?? '')).toMatchObject({ status: 'completed' })
      for (const name of ['pending', 'pending, nearly authorizing']) {
        const outcome = await one.processCheckout(left[name] ?? '', { token: 'tok_approve' })
        expect(outcome, name).toMatchObject({ status: 'completed' })
      }
      await store.drain(one)
      expect(heard.toSorted()).toEqual(
        [
          'authorizing',
          'authorizing, asked',
          'awaiting_action',
          'awaiting_capture',
          'capturing, asked',
          'pending',
          'pending, nearly authorizing',
        ]
          .map(name => left[name])
          .toSorted(),
      )

      // Nobody hears for the old listener any more: what it was owed stays in sight until somebody gives it up.
      const owed = await one.deliverer.listOverdue(0)
      expect(owed).toHaveLength(Object.keys(left).length)
      for (const delivery of owed) {
        expect(delivery).toMatchObject({ listener: 'old', type: 'CheckoutStarted', state: 'due', attempts: 0 })
        expect(await one.deliverer.park(delivery)).toBe(true)
      }
    }, 90_000)
  },
  ['postgres'],
)
