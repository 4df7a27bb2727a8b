/** Tests that the comparison of answers finds each kind of contradiction, so that its zeros mean something. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  cartId,
  checkoutId,
  orderId,
  type Stage,
  seedHealthyStore,
} from '../../../packages/holdfast/test/observe/healthy-store.ts'
import { openTestDatabase, type TestDatabase } from '../../../packages/holdfast/test/support/test-database.ts'
import type { BuyerRecord, Ending } from '../../buyers/buyer.ts'
import { contradictionsOf } from '../../buyers/reconcile-answers.ts'

let opened: TestDatabase
beforeEach(async () => {
  opened = await openTestDatabase('postgres', { poolMax: 2 })
  await seedHealthyStore(opened.database)
  // Orders in progress may already be charged; the comparison expects a drained shop.
  await opened.database.execute(`delete from holdfast_sandbox.payments where checkout_id = '${checkoutId.capturing}'`)
  await opened.database.execute(`update holdfast.orders set number = '7' where id = '${orderId('completed')}'`)
})
afterEach(() => opened?.stop())

const record = (stage: Stage, ending: Ending): BuyerRecord => ({
  ...{ token: 'tok_approve', cartId: cartId(stage), total: 2300, payments: 1, lostAnswers: 0, serverErrors: [] },
  ending,
})
const ordered = (more: Partial<Extract<Ending, { kind: 'ordered' }>['order']> = {}) =>
  record('completed', {
    kind: 'ordered',
    order: {
      ...{ id: orderId('completed'), number: '7', lockId: checkoutId.completed },
      ...{ status: 'paid', currency: 'USD', total: 2300, ...more },
    },
  })
const refused = (stage: Stage) =>
  record(stage, { kind: 'refused', status: 402, code: 'payment_declined', lockId: checkoutId[stage], context: {} })
const none = { lostAcknowledgements: [], brokenRefusals: [], chargedWithoutOrder: [], boughtTwice: [] }
const found = (...records: BuyerRecord[]) => contradictionsOf(opened.database, records)

it('the comparison finds nothing if all answers were true', async () => {
  expect(await found(ordered(), refused('failed'))).toEqual(none)
})

it('the comparison finds an acknowledged order that is missing or different', async () => {
  const { lostAcknowledgements } = await found(
    ordered({ id: '0192dddd-0000-7000-8000-00000000dead' }),
    ordered({ number: '8' }),
    ordered({ total: 2299 }),
    ordered({ status: 'pending' }),
    ordered({ lockId: checkoutId.failed }),
    { ...ordered(), total: 2400 },
    { ...ordered(), cartId: cartId('failed') },
  )
  expect(lostAcknowledgements).toHaveLength(7)
})

it('the comparison finds a refused cart that was bought', async () => {
  expect((await found(refused('completed'))).brokenRefusals).toHaveLength(1)
})

it('the comparison finds a charge without a paid order, and a paid order without a charge', async () => {
  await opened.database.execute(`update holdfast_sandbox.payments set status = 'captured', captured_minor = 2300
    where checkout_id = '${checkoutId.failed}'`)
  await opened.database.execute(`update holdfast_sandbox.payments set status = 'voided', captured_minor = 0
    where checkout_id = '${checkoutId.completed}'`)
  expect((await found()).chargedWithoutOrder).toHaveLength(2)
  expect((await found(refused('failed'))).brokenRefusals).toHaveLength(1)
})

it('the comparison finds a cart that was charged twice', async () => {
  await opened.database.execute(`insert into holdfast_sandbox.payments
    select 'sbx_again', checkout_id, status, method, behaviour, amount_minor, currency, captured_minor, refunded_minor,
      decline_code, void_failures_left, return_url, valid_until
    from holdfast_sandbox.payments where checkout_id = '${checkoutId.completed}'`)
  const contradictions = await found(ordered())
  expect(contradictions.boughtTwice).toHaveLength(1)
  expect(contradictions.chargedWithoutOrder).toHaveLength(1)
})
