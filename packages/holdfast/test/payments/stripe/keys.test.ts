/** Every request to Stripe carries a key of its operation, and no outdated answer blocks an operation forever. */
import Stripe from 'stripe'
import { v7 } from 'uuid'
import { expect, test } from 'vitest'
import { createStripeSimulator } from '../../../../stripe-simulator/src/create-simulator.ts'
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

test('every request has a key of its operation, including the cancel after a decline', async () => {
  const { sent, checkoutId, authorize } = open()
  expect(await authorize('pm_card_visa_chargeDeclined')).toMatchObject({ outcome: 'declined', code: 'generic_decline' })
  expect(sent.map(({ path }) => path.replace(/pi_\w+/, 'pi'))).toEqual([
    '/v1/payment_intents',
    '/v1/payment_intents/pi/confirm',
    '/v1/payment_intents/pi/cancel',
  ])
  for (const { key } of sent) expect(key).toMatch(new RegExp(`^${checkoutId}:authorize:1(:|$)`))
})

test('a void that Stripe refused for good is declined, so that it is sent again under a new key', async () => {
  const { simulator, authorize, end } = open()
  const authorized = await authorize('pm_card_visa')
  if (authorized.outcome !== 'succeeded') throw new Error('not authorized')
  simulator.planFault({ fault: { kind: 'refuse', type: 'invalid_request_error', code: 'try_later' }, on: 'cancel' })
  expect((await end(authorized.reference, 1)).outcome).toBe('declined')
  // Under the same key, Stripe repeats its answer.
  expect((await end(authorized.reference, 1)).outcome).toBe('declined')
  expect((await end(authorized.reference, 2)).outcome).toBe('succeeded')
})

test('a 500 that Stripe would repeat for a day is avoided with a new key', async () => {
  const { simulator, authorize, end } = open()
  const authorized = await authorize('pm_card_visa')
  if (authorized.outcome !== 'succeeded') throw new Error('not authorized')
  simulator.planFault({ fault: { kind: 'server_error', effect: false }, on: 'cancel' })
  expect((await end(authorized.reference, 1)).outcome).toBe('unknown')
  expect((await end(authorized.reference, 1)).outcome).toBe('succeeded')
})

test('a secret key given as the publishable key is refused, and is not in the message', () => {
  const publishableKey = 'sk_live_simulated1234'
  const open = () => createStripeGateway({ secretKey: 'sk_live_simulated1234', publishableKey })
  expect(open).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  expect(open).not.toThrow(/simulated1234/)
})
