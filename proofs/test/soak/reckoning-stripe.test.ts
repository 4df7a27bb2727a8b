/** What the soak compares Stripe's books by finds each kind of lie, so that its zeros mean something. */
import Stripe from 'stripe'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkoutId, type Stage, seedHealthyStore } from '../../../packages/holdfast/test/observe/healthy-store.ts'
import { openTestDatabase, type TestDatabase } from '../../../packages/holdfast/test/support/test-database.ts'
import { type StripeSimulatorServer, startStripeSimulator } from '../../../packages/stripe-simulator/src/api/server.ts'
import { openBooksOf } from '../../soak/stripe/books.ts'

let opened: TestDatabase
let simulator: StripeSimulatorServer
let stripe: Stripe
let refunded: string

const intended = (stage: Stage, suffix = '') => ({ idempotencyKey: `${checkoutId[stage]}:authorize:1${suffix}` })
const begin = (stage: Stage, key = intended(stage)) =>
  stripe.paymentIntents.create(
    {
      ...{ amount: 2300, currency: 'usd', capture_method: 'manual', allowed_payment_method_types: ['card'] },
      metadata: { checkout_id: checkoutId[stage] },
    },
    key,
  )

/** Authorizes as the gateway would, and keeps the payment's id. */
async function authorize(stage: Stage): Promise<string> {
  const { id } = await begin(stage)
  await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }, intended(stage, ':confirm'))
  await opened.database.execute(`update holdfast.payment_operations set gateway = 'stripe', reference = '${id}'
    where checkout_id = '${checkoutId[stage]}'`)
  return id
}
const done = (stage: Stage, operation: string) => ({ idempotencyKey: `${checkoutId[stage]}:${operation}` })

/** What each comparison found, of those that found anything; and what was left over. */
async function found(): Promise<Record<string, number>> {
  const { findings, leftovers } = await openBooksOf(simulator.url, opened.database)
  for (const { of } of Object.values(findings)) expect(of).toBeGreaterThan(0)
  const counts = Object.entries(findings).map(([what, { wrong }]) => [what, wrong.length] as const)
  return Object.fromEntries([...counts, ['leftovers', leftovers.length] as const].filter(([, count]) => count > 0))
}
const unlike = 'payments at Stripe unlike their checkouts'
const unkept = 'payments confirmed before they were kept'
const ownerless = 'money moved at Stripe without an operation'
const twice = 'operations with more than one effect at Stripe'

beforeEach(async () => {
  opened = await openTestDatabase('postgres', { poolMax: 2 })
  await seedHealthyStore(opened.database)
  simulator = await startStripeSimulator({ control: true })
  const { host, port, protocol } = simulator
  stripe = new Stripe('sk_test_simulated1234', { host, port, protocol, maxNetworkRetries: 0 })
  await stripe.paymentIntents.capture(await authorize('completed'), {}, done('completed', 'capture:1'))
  refunded = await authorize('refunded')
  await stripe.paymentIntents.capture(refunded, {}, done('refunded', 'capture:1'))
  await stripe.refunds.create({ payment_intent: refunded, amount: 1000 }, done('refunded', 'refund:1'))
})
afterEach(async () => {
  await simulator?.stop()
  await opened?.stop()
})

it('finds nothing where Stripe did what it was asked for', async () => {
  await stripe.paymentIntents.cancel(await authorize('failed'), {}, done('failed', 'void:1'))
  expect(await found()).toEqual({})
})

it('finds an authorization that a failed checkout left open', async () => {
  await authorize('failed')
  expect(await found()).toEqual({ [unlike]: 1 })
})

it('finds money that a failed checkout kept', async () => {
  await stripe.paymentIntents.capture(await authorize('failed'), {}, done('failed', 'capture:1'))
  expect(await found()).toEqual({ [unlike]: 1 })
})

it('finds a payment that was confirmed and never kept, and one of another checkout’s', async () => {
  const { id } = await begin('failed')
  await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_threeDSecure2Required' })
  expect(await found()).toEqual({ [unkept]: 1 })
  await opened.database.execute('drop schema soak cascade')
  await opened.database.execute(`update holdfast.payment_operations set reference = '${id}', gateway = 'stripe'
    where checkout_id = '${checkoutId.authorizing}'`)
  expect(await found()).toEqual({ [unkept]: 1 })
})

it('finds money that moved under a key of no operation, and under one of another kind', async () => {
  const id = await authorize('failed')
  await stripe.paymentIntents.cancel(id, {}, { idempotencyKey: 'of nobody' })
  await stripe.refunds.create({ payment_intent: refunded, amount: 1300 }, done('refunded', 'capture:1:again:1'))
  expect(await found()).toEqual({ [ownerless]: 2, [twice]: 1 })
})

it('names a payment that was begun and never confirmed, and finds nothing wrong with it', async () => {
  await begin('failed')
  expect(await found()).toEqual({ leftovers: 1 })
})
