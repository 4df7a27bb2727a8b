/** Tests that the comparison with Stripe's books finds each kind of difference, so that its zeros mean something. */
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

/** Authorizes like the gateway, and stores the ID of the payment. */
async function authorize(stage: Stage): Promise<string> {
  const { id } = await begin(stage)
  await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }, intended(stage, ':confirm'))
  await opened.database.execute(`update holdfast.payment_operations set gateway = 'stripe', reference = '${id}'
    where checkout_id = '${checkoutId[stage]}'`)
  return id
}
const done = (stage: Stage, operation: string) => ({ idempotencyKey: `${checkoutId[stage]}:${operation}` })

/** The counts of the comparisons that found something, and of the leftovers. */
async function found(): Promise<Record<string, number>> {
  const { findings, leftovers } = await openBooksOf(simulator.url, opened.database)
  for (const { of } of Object.values(findings)) expect(of).toBeGreaterThan(0)
  const counts = Object.entries(findings).map(([what, { wrong }]) => [what, wrong.length] as const)
  return Object.fromEntries([...counts, ['leftovers', leftovers.length] as const].filter(([, count]) => count > 0))
}
const differing = 'payments at Stripe that differ from their checkouts'
const unstored = 'payments confirmed before their ID was stored'
const unrecorded = 'money moved at Stripe without an operation'
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

it('the comparison finds nothing if Stripe did what was requested', async () => {
  await stripe.paymentIntents.cancel(await authorize('failed'), {}, done('failed', 'void:1'))
  expect(await found()).toEqual({})
})

it('the comparison finds an open authorization of a failed checkout', async () => {
  await authorize('failed')
  expect(await found()).toEqual({ [differing]: 1 })
})

it('the comparison finds captured money of a failed checkout', async () => {
  await stripe.paymentIntents.capture(await authorize('failed'), {}, done('failed', 'capture:1'))
  expect(await found()).toEqual({ [differing]: 1 })
})

it('the comparison finds a confirmed payment whose ID was never stored, and one stored with another checkout', async () => {
  const { id } = await begin('failed')
  await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_threeDSecure2Required' })
  expect(await found()).toEqual({ [unstored]: 1 })
  await opened.database.execute('drop schema soak cascade')
  await opened.database.execute(`update holdfast.payment_operations set reference = '${id}', gateway = 'stripe'
    where checkout_id = '${checkoutId.authorizing}'`)
  expect(await found()).toEqual({ [unstored]: 1 })
})

it('the comparison finds money moved with an unknown key and with the key of another operation', async () => {
  const id = await authorize('failed')
  await stripe.paymentIntents.cancel(id, {}, { idempotencyKey: 'unknown' })
  await stripe.refunds.create({ payment_intent: refunded, amount: 1300 }, done('refunded', 'capture:1:again:1'))
  expect(await found()).toEqual({ [unrecorded]: 2, [twice]: 1 })
})

it('the comparison lists a payment that was never confirmed as a leftover, not as a finding', async () => {
  await begin('failed')
  expect(await found()).toEqual({ leftovers: 1 })
})
