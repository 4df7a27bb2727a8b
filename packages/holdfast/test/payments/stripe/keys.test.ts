/** Every request to Stripe goes out under a key of the operation it belongs to, and no old answer holds one up for ever. */
import Stripe from 'stripe'
import { v7 } from 'uuid'
import { expect, test } from 'vitest'
import { createStripeSimulator } from '../../../../stripe-simulator/src/simulator.ts'
import type { GatewayCall, OperationKind } from '../../../src/payments/gateway.ts'
import { createStripeGateway } from '../../../src/payments/stripe/stripe.ts'

function open() {
  const simulator = createStripeSimulator({ sleep: async () => {} })
  const sent: { path: string; key: string | null }[] = []
  const gateway = createStripeGateway({
    secretKey: 'sk_test_simulated1234',
    apiUrl: 'http://stripe.invalid',
    httpClient: Stripe.createFetchHttpClient((url, init) => {
      const request = new Request(url as string, init)
      if (request.method === 'POST') {
        sent.push({ path: new URL(request.url).pathname, key: request.headers.get('idempotency-key') })
      }
      return simulator.handle(request)
    }),
  })
  const checkoutId = v7()
  const call = (kind: OperationKind, attempt = 1): GatewayCall & { checkoutId: string } => ({
    checkoutId,
    idempotencyKey: `${checkoutId}:${kind}:${attempt}`,
    signal: AbortSignal.timeout(10_000),
  })
  const authorize = (token: string) =>
    gateway.authorize({
      ...call('authorize'),
      ...{ amountMinor: 4_999, currency: 'EUR', method: 'card', token, returnUrl: null },
      ...{ reference: null, keep: async reference => reference },
    })
  const end = (reference: string, attempt: number) =>
    gateway.void({ ...call('void', attempt), authorizationKey: `${checkoutId}:authorize:1`, reference })
  return { simulator, sent, checkoutId, authorize, end }
}

test('gives each request a key of its operation, the tidying after a decline included', async () => {
  const { sent, checkoutId, authorize } = open()
  expect(await authorize('pm_card_visa_chargeDeclined')).toMatchObject({ outcome: 'declined', code: 'generic_decline' })
  expect(sent.map(({ path }) => path.replace(/pi_\w+/, 'pi'))).toEqual([
    '/v1/payment_intents',
    '/v1/payment_intents/pi/confirm',
    '/v1/payment_intents/pi/cancel',
  ])
  for (const { key } of sent) expect(key).toMatch(new RegExp(`^${checkoutId}:authorize:1(:|$)`))
})

test('tells a void that Stripe refused for good as refused, so that it is asked for anew under another key', async () => {
  const { simulator, authorize, end } = open()
  const authorized = await authorize('pm_card_visa')
  if (authorized.outcome !== 'succeeded') throw new Error('not authorized')
  simulator.planFault({ fault: { kind: 'refuse', type: 'invalid_request_error', code: 'try_later' }, on: 'cancel' })
  expect((await end(authorized.reference, 1)).outcome).toBe('declined')
  // Under the same key Stripe says the same for ever.
  expect((await end(authorized.reference, 1)).outcome).toBe('declined')
  expect((await end(authorized.reference, 2)).outcome).toBe('succeeded')
})

test('leaves a 500 behind that Stripe would repeat for a day', async () => {
  const { simulator, authorize, end } = open()
  const authorized = await authorize('pm_card_visa')
  if (authorized.outcome !== 'succeeded') throw new Error('not authorized')
  simulator.planFault({ fault: { kind: 'server_error', effect: false }, on: 'cancel' })
  expect((await end(authorized.reference, 1)).outcome).toBe('unknown')
  expect((await end(authorized.reference, 1)).outcome).toBe('succeeded')
})

test('shows buyers no secret key that was given for a publishable one, and puts it in no message', () => {
  const publishableKey = 'sk_live_simulated1234'
  const open = () => createStripeGateway({ secretKey: 'sk_live_simulated1234', publishableKey })
  expect(open).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  expect(open).not.toThrow(/simulated1234/)
})
