/** Cancelling during capture: the order will complete, so the response must not claim that it was cancelled. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createCheckout } from '../../../src/engine/create-checkout.ts'
import { errorResponse, waitingResponse } from '../../../src/http/schemas/responses.ts'
import { createSandboxGateway } from '../../../src/payments/sandbox/sandbox.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { address, openBrowser, openShop } from '../open-shop.ts'

let test: TestDatabase
beforeEach(async () => {
  test = await openTestDatabase('embedded')
})
afterEach(() => test.stop())

it('a cancel during a capture without an answer gets 409', async () => {
  const gateway = createSandboxGateway({
    database: test.database,
    faults: ({ kind }) => (kind === 'capture' ? 'timeout_before' : null),
  })
  const engine = await createCheckout({
    ...{
      database: test.database,
      gateways: { card: gateway },
      migrate: false,
      workers: false,
      config: { currency: 'EUR' },
    },
    numbers: { gatewayTimeoutMs: 20 },
  })
  const shop = await openShop(test.database, { engine })
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
  const payment = { email: 'ada@example.com', shipping_address: address, payment_method: 'card' }
  const paid = await browser.send('POST', '/checkout', { ...payment, payment_token: 'tok_approve' })
  const waiting = waitingResponse.parse(await paid.json())
  expect(waiting.status).toBe('processing')
  expect((await engine.getCheckoutStatus(waiting.lock_id))?.lock.state).toBe('capturing')

  const cancelled = await browser.send('POST', '/checkout/cancel', { lock_id: waiting.lock_id })
  expect(cancelled.status).toBe(409)
  expect(errorResponse.parse(await cancelled.json()).code).toBe('checkout_not_active')
  await engine.close()
  await gateway.close()
  await shop.stop()
})
