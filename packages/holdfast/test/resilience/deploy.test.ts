/** A process is killed with checkouts in every state, and processes with a different configuration replace it. */
import { expect, test } from 'vitest'
import { migrate } from '../../src/database/migrate.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'
import { startWorker, type Worker } from './worker-process.ts'

/** Leaves checkouts in the states that their names say. The last five are interrupted in the middle of a call. */
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
    // The process is killed before it answers.
    act().catch(() => {})
    await there
  }
  return left
}

describeStore(
  'A deployment',
  store => {
    test('takes over all checkouts of the old process, with different leases, times, and listeners', async () => {
      const worker = await startWorker(store, { listeners: ['old'] })
      const left = await leave(store, worker)
      await worker.kill()
      expect(await store.violations()).toEqual([])
      const expiries = () => store.sql('select id, expires_at from holdfast.checkouts order by id')
      const before = await expiries()

      const delivered: string[] = []
      const fresh = () =>
        store.open({
          apart: true,
          migrate: true,
          config: { leaseSeconds: 5, ttlMinutes: 1 },
          listeners: { CheckoutCompleted: [{ name: 'new', run: event => void delivered.push(event.lock.id) }] },
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

      // Checkouts that wait for a person continue with the new process.
      await store.gateway.approve(`sbx_${left.awaiting_action}:authorize:1`)
      expect(await one.resumeCheckout(left.awaiting_action ?? '')).toMatchObject({ status: 'completed' })
      expect(await one.captureCheckout(left.awaiting_capture ?? '')).toMatchObject({ status: 'completed' })
      for (const name of ['pending', 'pending, nearly authorizing']) {
        const outcome = await one.processCheckout(left[name] ?? '', { token: 'tok_approve' })
        expect(outcome, name).toMatchObject({ status: 'completed' })
      }
      await store.drain(one)
      expect(delivered.toSorted()).toEqual(
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

      // The old listener has no process any more. Its deliveries stay listed as overdue until an operator parks them.
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
