/** A second process interferes at each point of a checkout by webhook, cancel, or expiry. Both report the same end. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { CheckoutEngine } from '../../src/engine/checkout-engine.ts'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { paid } from '../support/store-facts.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'
import { oneStop, type Point, pointsOfAll, stoppingAt } from './stop-points.ts'

const token = 'tok_approve'
const endOf = (outcome: Outcome) => (outcome.status === 'failed' ? outcome.failure.code : outcome.status)

/** Resolves when `work` has settled, or a statement waits for a lock. */
async function doneOrBlocked(store: TestStore, work: Promise<unknown>): Promise<void> {
  let isDone = false
  const done = () => {
    isDone = true
  }
  work.then(done, done)
  await expect
    .poll(
      async () => {
        const waiting = await store.sql(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return isDone || waiting.length > 0
      },
      { interval: 5, timeout: 10_000 },
    )
    .toBe(true)
}

describeStore(
  'While a checkout is processed',
  store => {
    const { at, stop } = oneStop()
    /** The process that is stopped. */
    let one: CheckoutEngine
    /** The process that interferes. It accepts every webhook. */
    let other: CheckoutEngine
    beforeAll(async () => {
      const numbers = { gatewayTimeoutMs: 60_000 }
      one = await store.open({ ...stoppingAt(store.database, store.gateway, at), numbers })
      const verifyWebhook = async (_: Headers, body: string) => JSON.parse(body)
      const gateway: PaymentGateway = { ...store.gateway, verifyWebhook }
      other = await store.open({ gateway, apart: true, numbers: { answerWithinMs: 100 } })
    })

    /** Processes a checkout, runs `interfere` at `point`, and returns both results. */
    async function meet<T>(point: Point, interfere: (lockId: string) => Promise<T>) {
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 1 })
      const { reached, proceed } = stop(point)
      const processing = one.processCheckout(lockId, { token })
      await reached
      const interfering = interfere(lockId)
      await doneOrBlocked(store, interfering)
      proceed()
      return { sku, lockId, outcome: await processing, answer: await interfering }
    }

    let hints = 0
    const hint = (lockId: string) => {
      hints += 1
      const body = JSON.stringify({
        id: `hint-${hints}`,
        type: 'hint',
        checkoutId: lockId,
        reference: null,
        payload: {},
      })
      return other.receiveWebhook('sandbox', new Headers(), body)
    }

    test.each(pointsOfAll)('a webhook %s is accepted and changes nothing', async point => {
      const { lockId, outcome, answer } = await meet(point, async id => {
        const accepted = await hint(id)
        await other.recover()
        return accepted
      })
      expect(answer).toBe(true)
      expect(outcome).toMatchObject({ status: 'completed' })
      expect(await store.facts(lockId)).toEqual(paid(1_500))
    })

    test('a webhook at the same moment as the response leads to one order', async () => {
      for (let round = 0; round < 10; round += 1) {
        const { lockId } = await store.begin({ [await store.article()]: 1 })
        const { reached, proceed } = stop(round % 2 === 0 ? 'after_call:authorize' : 'after_call:capture')
        const processing = one.processCheckout(lockId, { token })
        await reached
        // The lease has expired, so the webhook may take the checkout over.
        await store.wake(lockId)
        proceed()
        const [outcome, accepted] = await Promise.all([processing, hint(lockId)])
        expect(accepted).toBe(true)
        expect(['completed', 'processing']).toContain(outcome.status)
        await store.drain(other)
        expect(await store.facts(lockId)).toEqual(paid(1_500))
      }
    })

    describe('a cancel', () => {
      // Once the capture is intended, the checkout can no longer be undone.
      const pivot = pointsOfAll.indexOf('after_commit:capturing')

      test.each(pointsOfAll.slice(0, pivot))('%s, before the pivot: both calls return the same end', async point => {
        const { lockId, sku, outcome, answer } = await meet(point, id => other.cancelCheckout(id))
        await store.drain()
        const { state, charged, payment } = await store.facts(lockId)
        if (state === 'completed') {
          // The cancel came too late: it waited for the transaction of the pivot.
          expect(point).toMatch(/^before_commit:capturing$/)
          expect([endOf(outcome), endOf(answer)]).toEqual(['completed', expect.stringMatching(/completed|processing/)])
          expect(await store.stock(sku)).toEqual({ onHand: 99, reserved: 0 })
        } else {
          expect([endOf(outcome), endOf(answer)]).toEqual(['checkout_cancelled', 'checkout_cancelled'])
          expect({ state, charged, payment }).toMatchObject({ state: 'failed', charged: 0 })
          expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
        }
      })

      test.each(pointsOfAll.slice(pivot))(
        '%s, after the pivot: the order is paid, and both calls say so',
        async point => {
          const { lockId, outcome, answer } = await meet(point, id => other.cancelCheckout(id))
          expect([endOf(outcome), endOf(answer)]).toEqual(['completed', expect.stringMatching(/completed|processing/)])
          expect(await store.facts(lockId)).toEqual(paid(1_500))
        },
      )
    })

    describe('an expiry', () => {
      const expire = async (lockId: string) => {
        await store.expire(lockId)
        await store.sql(
          `update holdfast.checkouts set wake_at = now() - interval '1 second' where id = $1 and wake_at is not null`,
          [lockId],
        )
        await other.recover()
      }
      const pivot = pointsOfAll.indexOf('before_commit:capturing')

      test.each(pointsOfAll.slice(1, pivot))('%s ends the checkout although the gateway authorizes', async point => {
        const { lockId, outcome } = await meet(point, expire)
        await store.drain()
        expect(endOf(outcome)).toBe('checkout_expired')
        expect(await store.facts(lockId)).toMatchObject({ state: 'failed', code: 'checkout_expired', charged: 0 })
      })

      test.each(pointsOfAll.slice(pivot))('%s does not undo a checkout that is about to be captured', async point => {
        const { lockId, outcome } = await meet(point, expire)
        await store.drain()
        expect(endOf(outcome)).toBe('completed')
        expect(await store.facts(lockId)).toEqual(paid(1_500))
      })
    })
  },
  ['postgres'],
)
