/** The comparisons at the end of the soak find each kind of lie, so that their zeros mean something. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { cartId, orderId, type Stage, seedHealthyStore } from '../../../packages/holdfast/test/observe/healthy-store.ts'
import { openTestDatabase, type TestDatabase } from '../../../packages/holdfast/test/support/test-database.ts'
import type { BuyerRecord } from '../../buyers/buyer.ts'
import { type Reckoning, reckon } from '../../soak/reckoning.ts'

let opened: TestDatabase
let heard: string[]

const change = (script: string) => opened.database.execute(script)
const paid = (stage: Stage, more: Partial<BuyerRecord> = {}): BuyerRecord => ({
  ...{ token: 'tok_approve', cartId: cartId(stage), total: 2300, payments: 1, lostAnswers: 0, serverErrors: [] },
  ending: { kind: 'left' },
  ...more,
})
const buyers = [paid('completed'), paid('refunded'), paid('failed')]

/** How much each comparison found. */
async function found(records: readonly BuyerRecord[] = buyers): Promise<Record<keyof Reckoning, number>> {
  const reckoning = Object.entries(await reckon(opened.database, records, heard, 'holdfast_sandbox.payments'))
  return Object.fromEntries(reckoning.map(([name, { wrong }]) => [name, wrong.length])) as never
}

beforeEach(async () => {
  opened = await openTestDatabase('postgres', { poolMax: 2 })
  await seedHealthyStore(opened.database)
  // As once all has drained; and what was given back was promised to nobody.
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
  heard = events.map(({ id }) => id)
})
afterEach(() => opened?.stop())

const nothing = { unasked: 0, cancelledInVain: 0, unheard: 0, oversold: 0, overRedeemed: 0, wrongRefunds: 0 }

it('finds nothing where all is as it was told', async () => {
  expect(heard.length).toBeGreaterThan(1)
  expect(await found()).toEqual(nothing)
})

it('finds a charge that nobody asked for, and one of another amount than was told', async () => {
  expect(await found([paid('completed'), paid('refunded', { payments: 0 })])).toEqual({ ...nothing, unasked: 1 })
  expect(await found([paid('completed', { total: 2200 })])).toEqual({ ...nothing, unasked: 2 })
})

it('finds a cart that was told to be cancelled and was bought', async () => {
  const records = [...buyers, paid('completed', { wasCancelled: true }), paid('failed', { wasCancelled: true })]
  expect(await found(records)).toEqual({ ...nothing, cancelledInVain: 1 })
})

it('finds an event that nobody heard, and one that never was', async () => {
  heard = [...heard.slice(1), '0192ffff-0000-7000-8000-00000000dead']
  expect(await found()).toEqual({ ...nothing, unheard: 2 })
})

it('finds stock that was sold and is still there', async () => {
  await change('update holdfast.stock_levels set on_hand = on_hand + 1')
  expect(await found()).toEqual({ ...nothing, oversold: 1 })
})

it('finds a coupon that was used more often than it may be', async () => {
  await change('update holdfast.coupons set claimed = 1, usage_limit = 1')
  expect(await found()).toEqual({ ...nothing, overRedeemed: 1 })
})

it('finds money that was given back to nobody’s order, on either side', async () => {
  await change(`update holdfast_sandbox.payments set refunded_minor = 100 where captured_minor > 0`)
  expect(await found()).toEqual({ ...nothing, wrongRefunds: 2 })
})
