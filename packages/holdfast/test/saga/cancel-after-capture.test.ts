/** Cancellation over HTTP of a payment that the gateway does not release, or has captured. */
import { expect, it } from 'vitest'
import { createSandboxGateway } from '../../src/payments/sandbox/sandbox.ts'
import { address, openBrowser, openShop } from '../http/open-shop.ts'
import { openTestDatabase } from '../support/test-database.ts'

const body = { email: 'a@example.com', shipping_address: address, payment_token: 'tok_action_required' }

it('a cancellation says that the cart stays locked until the gateway confirms the void', async () => {
  const test = await openTestDatabase('postgres')
  const sandbox = createSandboxGateway({ database: test.database })
  const voiding = async () => ({ outcome: 'unknown', message: 'No answer.' }) as const
  const shop = await openShop(test.database, { gateway: { ...sandbox, void: voiding } })
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
  expect((await browser.send('POST', '/checkout', body)).status).toBe(202)
  const response = await (await browser.send('POST', '/checkout/cancel', {})).json()
  expect(await (await browser.send('GET', '/cart')).json()).toMatchObject({ locked: true })
  expect(response).toEqual({
    success: true,
    message:
      'You will not be charged, and any amount already taken will be returned. This checkout was cancelled. You can edit your cart as soon as the payment is released.',
  })
  await shop.stop()
  await sandbox.close()
  await test.stop()
})

it('a cancellation of a payment that was captured meanwhile does not claim that nothing was charged', async () => {
  const test = await openTestDatabase('postgres')
  const sandbox = createSandboxGateway({ database: test.database })
  const voiding = async () => ({ outcome: 'declined', code: 'already_captured', message: 'Captured.' }) as const
  const refund: typeof sandbox.refund = async ({ reference, amountMinor, currency }) => {
    return { outcome: 'succeeded', reference, amountMinor, currency }
  }
  const shop = await openShop(test.database, { gateway: { ...sandbox, void: voiding, refund } })
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
  expect((await browser.send('POST', '/checkout', body)).status).toBe(202)
  const response = await (await browser.send('POST', '/checkout/cancel', {})).json()
  expect(response).toEqual({
    success: true,
    message:
      'You will not be charged, and any amount already taken will be returned. This checkout was cancelled. Your cart is unchanged.',
  })
  await shop.stop()
  await sandbox.close()
  await test.stop()
})
