/**
 * One journey for each step of a checkout: how to get there, how a client makes an engine take the step, and how to
 * recognize the transaction of that step on the wire and in the tables.
 */
import { expect } from 'vitest'
import type { CheckoutEngine } from '../../src/engine/checkout-engine.ts'
import { upsertCoupon } from '../../src/shop/catalog/coupons.ts'
import { type CheckoutFacts, paid, undone } from '../support/store-facts.ts'
import type { TestStore } from '../support/test-store.ts'

/** What a client knows of its checkout. */
export interface Ready {
  sku: string
  cartId: string
  sessionId: string
  lockId: string
}

export interface Journey {
  step: string
  /** Matches a message of the step's transaction, and none of an earlier transaction of the engine. */
  wire: RegExp
  /** The step is the first to write such a row. */
  writes: { to: string; on: 'insert' | 'update'; when: string }
  /** Prepares the checkout with an undisturbed engine. */
  arrange(store: TestStore): Promise<Ready>
  /** Takes the step with the disturbed engine, and returns the client's answer. May be called again after any answer. */
  act(engine: CheckoutEngine, ready: Ready): Promise<{ status: string }>
  /** The status that the client gets. */
  status: string
  end: CheckoutFacts
  /** Units on hand at the end, of ten. */
  left: number
}

const paidWithCoupon = paid(2_300, { claim: 'redeemed' })
const refusedCapture = undone('capture_refused', 'payment_capture', { order: 'cancelled', claim: 'released' })
const enters = (state: string, from?: string) => ({
  to: 'holdfast.transitions',
  on: 'insert' as const,
  when: `new.to_state = '${state}'${from === undefined ? '' : ` and new.from_state = '${from}'`}`,
})
const taken = { to: 'holdfast.checkouts', on: 'update' as const, when: 'new.epoch > old.epoch' }

/** A cart with an article and a coupon of its own, so that journeys do not wait for each other's locks. */
async function filled(store: TestStore): Promise<Ready> {
  const sku = await store.article({ stock: [6, 4] })
  await upsertCoupon(store.database, { code: sku, discount: { ratePpm: 100_000 } })
  return { sku, ...(await store.cart({ [sku]: 2 }, { couponCode: sku })), lockId: '' }
}

async function processed(store: TestStore, token: string, captureLater = false): Promise<Ready> {
  const ready = await filled(store)
  const { id } = await store.engine.startCheckout(ready.cartId, { sessionId: ready.sessionId })
  await store.engine.processCheckout(id, { token, captureLater })
  return { ...ready, lockId: id }
}

/** A checkout in `capturing` that no worker takes over for an hour. */
async function uncertain(store: TestStore): Promise<Ready> {
  store.faults.with = ({ kind }) => (kind === 'capture' ? 'error_before' : null)
  const ready = await processed(store, 'tok_approve')
  store.faults.with = null
  await store.sql(`update holdfast.checkouts set wake_at = now() + interval '1 hour' where id = $1`, [ready.lockId])
  return ready
}

const pays = (token: string) => async (engine: CheckoutEngine, ready: Ready) => {
  if (ready.lockId === '') ready.lockId = (await engine.startCheckout(ready.cartId, { sessionId: ready.sessionId })).id
  return engine.processCheckout(ready.lockId, { token })
}

async function refunds(engine: CheckoutEngine, { lockId }: Ready) {
  const status = await engine.getCheckoutStatus(lockId)
  return engine.refundOrder(status?.order?.id ?? '', { key: 'parcel', restock: true })
}

const approves = { arrange: filled, act: pays('tok_approve'), status: 'completed', end: paidWithCoupon, left: 8 }
const isRefused = { arrange: filled, act: pays('tok_capture_decline'), status: 'failed', end: refusedCapture, left: 10 }
const isRefunded = {
  arrange: (store: TestStore) => processed(store, 'tok_approve'),
  act: refunds,
  status: 'refunded',
  end: paid(0, {
    order: 'refunded',
    claim: 'redeemed',
    events: ['CheckoutStarted', 'CheckoutCompleted', 'OrderRefunded'],
  }),
  left: 10,
}

export const journeys: Journey[] = [
  { step: 'start', wire: /"to_state":"pending"/, writes: enters('pending'), ...approves },
  { step: 'prepare', wire: /"to_state":"authorizing"/, writes: enters('authorizing'), ...approves },
  { step: 'place', wire: /"to_state":"capturing"/, writes: enters('capturing'), ...approves },
  { step: 'settle', wire: /"to_state":"completed"/, writes: enters('completed'), ...approves },
  { step: 'unwind', wire: /"to_state":"rolling_back"/, writes: enters('rolling_back'), ...isRefused },
  { step: 'unwind to the end', wire: /"to_state":"failed"/, writes: enters('failed'), ...isRefused },
  {
    step: 'unwind by a cancel',
    wire: /"to_state":"rolling_back"/,
    writes: enters('rolling_back'),
    arrange: store => processed(store, 'tok_action_required'),
    act: (engine, { lockId }) => engine.cancelCheckout(lockId),
    status: 'failed',
    end: undone('checkout_cancelled', 'payment_authorization', {
      claim: 'released',
      events: ['CheckoutStarted', 'PaymentActionRequired', 'CheckoutFailed', 'CheckoutCancelled'],
    }),
    left: 10,
  },
  {
    step: 'take over',
    wire: /"state":"capturing","version":(\d+),"was_version":\1,/,
    writes: taken,
    arrange: uncertain,
    act: (engine, { lockId }) => engine.resumeCheckout(lockId),
    status: 'completed',
    end: paidWithCoupon,
    left: 8,
  },
  {
    step: 'take over what is due',
    wire: /lock_due_checkouts/,
    writes: taken,
    async arrange(store) {
      const ready = await uncertain(store)
      await store.wake(ready.lockId)
      return ready
    },
    async act(engine, { lockId }) {
      await engine.recover()
      return engine.processCheckout(lockId, { token: 'tok_approve' })
    },
    status: 'completed',
    end: paidWithCoupon,
    left: 8,
  },
  {
    step: 'take over for a capture',
    wire: /"to_state":"capturing"/,
    writes: enters('capturing', 'awaiting_capture'),
    arrange: store => processed(store, 'tok_approve', true),
    act: (engine, { lockId }) => engine.captureCheckout(lockId),
    status: 'completed',
    end: paid(2_300, {
      claim: 'redeemed',
      events: ['CheckoutStarted', 'OrderAwaitingCapture', 'CheckoutCompleted'],
    }),
    left: 8,
  },
  {
    step: 'intend a refund',
    wire: /"kind":"refund"/,
    writes: { to: 'holdfast.payment_operations', on: 'insert', when: `new.kind = 'refund'` },
    ...isRefunded,
  },
  {
    step: 'record a refund',
    wire: /credit_order/,
    writes: { to: 'holdfast.orders', on: 'update', when: 'new.refunded_minor > old.refunded_minor' },
    ...isRefunded,
  },
]

/** Expects that the checkout ended once, as without a disturbance. */
export async function expectEnd(store: TestStore, { step, end, left }: Journey, ready: Ready): Promise<void> {
  expect(await store.facts(ready.lockId), step).toEqual(end)
  expect(await store.stock(ready.sku), step).toEqual({ onHand: left, reserved: 0 })
  const checkouts = await store.sql('select 1 from holdfast.checkouts where cart_id = $1', [ready.cartId])
  expect(checkouts, step).toHaveLength(1)
}
