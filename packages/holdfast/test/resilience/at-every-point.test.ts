/** Another process interferes at each point of a checkout: a webhook, a cancel, an expiry. One end, the same for all. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { CheckoutEngine } from '../../src/engine/checkout-engine.ts'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { paid } from '../support/store-facts.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'
import { oneStop, type Point, pointsOfAll, stoppingAt } from './points.ts'

const token = 'tok_approve'
const said = (outcome: Outcome) => (outcome.status === 'failed' ? outcome.failure.code : outcome.status)

/** Settles when `work` has, or waits in the database for a lock. */
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
    /** The process that stops. */
    let one: CheckoutEngine
    /** The one that interferes: it takes any hint for genuine. */
    let other: CheckoutEngine
    beforeAll(async () => {
      const numbers = { gatewayTimeoutMs: 60_000 }
      one = await store.open({ ...stoppingAt(store.database, store.gateway, at), numbers })
      const verifyWebhook = async (_: Headers, body: string) => JSON.parse(body)
      const gateway: PaymentGateway = { ...store.gateway, verifyWebhook }
      other = await store.open({ gateway, apart: true, numbers: { answerWithinMs: 100 } })
    })

    /** Processes a checkout, lets `interfere` happen at `point`, and gives what both were told. */
    async function meet<T>(point: Point, interfere: (lockId: string) => Promise<T>) {
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 1 })
      const { reached, goOn } = stop(point)
      const processing = one.processCheckout(lockId, { token })
      await reached
      const interfering = interfere(lockId)
      await doneOrBlocked(store, interfering)
      goOn()
      return { sku, lockId, told: await processing, answer: await interfering }
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

    test.each(pointsOfAll)('a webhook %s is heeded and changes nothing', async point => {
      const { lockId, told, answer } = await meet(point, async id => {
        const accepted = await hint(id)
        await other.recover()
        return accepted
      })
      expect(answer).toBe(true)
      expect(told).toMatchObject({ status: 'completed' })
      expect(await store.facts(lockId)).toEqual(paid(1_500))
    })

    test('a webhook at the very moment of the response: one order', async () => {
      for (let round = 0; round < 10; round += 1) {
        const { lockId } = await store.begin({ [await store.article()]: 1 })
        const { reached, goOn } = stop(round % 2 === 0 ? 'after_call:authorize' : 'after_call:capture')
        const processing = one.processCheckout(lockId, { token })
        await reached
        // Its lease is over, so that the webhook may take it.
        await store.wake(lockId)
        goOn()
        const [told, accepted] = await Promise.all([processing, hint(lockId)])
        expect(accepted).toBe(true)
        expect(['completed', 'processing']).toContain(told.status)
        await store.drain(other)
        expect(await store.facts(lockId)).toEqual(paid(1_500))
      }
    })

    describe('a cancel', () => {
      // Once the capture is intended it can no longer be undone.
      const pivot = pointsOfAll.indexOf('after_commit:capturing')

      test.each(pointsOfAll.slice(0, pivot))('%s, before the pivot: both are told one end', async point => {
        const { lockId, sku, told, answer } = await meet(point, id => other.cancelCheckout(id))
        await store.drain()
        const { state, charged, payment } = await store.facts(lockId)
        if (state === 'completed') {
          // It came too late: the transaction it met was the one behind which nothing is undone.
          expect(point).toMatch(/^before_commit:capturing$/)
          expect([said(told), said(answer)]).toEqual(['completed', expect.stringMatching(/completed|processing/)])
          expect(await store.stock(sku)).toEqual({ onHand: 99, reserved: 0 })
        } else {
          expect([said(told), said(answer)]).toEqual(['checkout_cancelled', 'checkout_cancelled'])
          expect({ state, charged, payment }).toMatchObject({ state: 'failed', charged: 0 })
          expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
        }
      })

      test.each(pointsOfAll.slice(pivot))('%s, behind the pivot: it is paid, and both are told', async point => {
        const { lockId, told, answer } = await meet(point, id => other.cancelCheckout(id))
        expect([said(told), said(answer)]).toEqual(['completed', expect.stringMatching(/completed|processing/)])
        expect(await store.facts(lockId)).toEqual(paid(1_500))
      })
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

      test.each(pointsOfAll.slice(1, pivot))('%s ends it, though the gateway says yes', async point => {
        const { lockId, told } = await meet(point, expire)
        await store.drain()
        expect(said(told)).toBe('checkout_expired')
        expect(await store.facts(lockId)).toMatchObject({ state: 'failed', code: 'checkout_expired', charged: 0 })
      })

      test.each(pointsOfAll.slice(pivot))('%s does not undo what is about to be captured', async point => {
        const { lockId, told } = await meet(point, expire)
        await store.drain()
        expect(said(told)).toBe('completed')
        expect(await store.facts(lockId)).toEqual(paid(1_500))
      })
    })
  },
  ['postgres'],
)
