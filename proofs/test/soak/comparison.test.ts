/** Tests that the comparisons of the soak find each kind of contradiction, so that their zeros mean something. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { cartId, orderId, type Stage, seedHealthyStore } from '../../../packages/holdfast/test/observe/healthy-store.ts'
import { openTestDatabase, type TestDatabase } from '../../../packages/holdfast/test/support/test-database.ts'
import type { BuyerRecord } from '../../buyers/buyer.ts'
import { type Comparison, compare } from '../../soak/comparison.ts'

let opened: TestDatabase
let delivered: string[]

const change = (script: string) => opened.database.execute(script)
const paid = (stage: Stage, more: Partial<BuyerRecord> = {}): BuyerRecord => ({
  ...{ token: 'tok_approve', cartId: cartId(stage), total: 2300, payments: 1, lostAnswers: 0, serverErrors: [] },
  ending: { kind: 'left' },
  ...more,
})
const buyers = [paid('completed'), paid('refunded'), paid('failed')]

/** The number of findings of each comparison. */
async function found(records: readonly BuyerRecord[] = buyers): Promise<Record<keyof Comparison, number>> {
  const comparison = Object.entries(await compare(opened.database, records, delivered, 'holdfast_sandbox.payments'))
  return Object.fromEntries(comparison.map(([name, { wrong }]) => [name, wrong.length])) as never
}

beforeEach(async () => {
  opened = await openTestDatabase('postgres', { poolMax: 2 })
  await seedHealthyStore(opened.database)
  // The state after draining, without refunds, for no order is due one.
  await change(`
    delete from holdfast_sandbox.payments where checkout_id not in (select id from holdfast.checkouts where state in ('completed', 'failed'));
    delete from holdfast.orders where status = 'pending';
    update holdfast.orders set refunded_minor = 0, shipping_refunded = false, status = 'paid' where id = '${orderId('refunded')}';
    update holdfast_sandbox.payments set refunded_minor = 0;
    update holdfast.orders set coupon_code = 'TWO' where status = 'paid';
    update holdfast.coupons set claimed = (select count(*) from holdfast.orders where status = 'paid')`)
  const events = await opened.database.query<{ id: string }>({
    name: 'test_events',
    text: `select id from holdfast.events where type in ('CheckoutCompleted', 'CheckoutFailed')`,
  })
  delivered = events.map(({ id }) => id)
})
afterEach(() => opened?.stop())

const nothing = {
  unrequested: 0,
  brokenCancellations: 0,
  undelivered: 0,
  oversold: 0,
  overRedeemed: 0,
  wrongRefunds: 0,
}

it('the comparison finds nothing if all answers were true', async () => {
  expect(delivered.length).toBeGreaterThan(1)
  expect(await found()).toEqual(nothing)
})

it('the comparison finds a charge without a request, and one with a different amount from the one shown', async () => {
  expect(await found([paid('completed'), paid('refunded', { payments: 0 })])).toEqual({ ...nothing, unrequested: 1 })
  expect(await found([paid('completed', { total: 2200 })])).toEqual({ ...nothing, unrequested: 2 })
})

it('the comparison finds a completed cart that was acknowledged as cancelled', async () => {
  const records = [...buyers, paid('completed', { wasCancelled: true }), paid('failed', { wasCancelled: true })]
  expect(await found(records)).toEqual({ ...nothing, brokenCancellations: 1 })
})

it('the comparison finds an event without a delivery, and a delivery without an event', async () => {
  delivered = [...delivered.slice(1), '0192ffff-0000-7000-8000-00000000dead']
  expect(await found()).toEqual({ ...nothing, undelivered: 2 })
})

it('the comparison finds sold stock that is still on hand', async () => {
  await change('update holdfast.stock_levels set on_hand = on_hand + 1')
  expect(await found()).toEqual({ ...nothing, oversold: 1 })
})

it('the comparison finds a coupon used beyond its limit', async () => {
  await change('update holdfast.coupons set claimed = 1, usage_limit = 1')
  expect(await found()).toEqual({ ...nothing, overRedeemed: 1 })
})

it('the comparison finds an unexpected refund at the gateway', async () => {
  await change(`update holdfast_sandbox.payments set refunded_minor = 100 where captured_minor > 0`)
  expect(await found()).toEqual({ ...nothing, wrongRefunds: 2 })
})
