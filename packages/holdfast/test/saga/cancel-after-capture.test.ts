/** Cancellation over HTTP while the gateway has not confirmed the void. */
import { expect, it } from 'vitest'
import { createSandboxGateway } from '../../src/payments/sandbox/sandbox.ts'
import { address, openBrowser, openShop } from '../http/open-shop.ts'
import { openTestDatabase } from '../support/test-database.ts'

it('a cancellation says that the cart stays locked until the gateway confirms the void', async () => {
  const test = await openTestDatabase('postgres')
  const sandbox = createSandboxGateway({ database: test.database })
  const voiding = async () => ({ outcome: 'unknown', message: 'No answer.' }) as const
  const shop = await openShop(test.database, { gateway: { ...sandbox, void: voiding } })
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
  const body = { email: 'a@example.com', shipping_address: address, payment_token: 'tok_action_required' }
  expect((await browser.send('POST', '/checkout', body)).status).toBe(202)
  const response = await (await browser.send('POST', '/checkout/cancel', {})).json()
  expect(await (await browser.send('GET', '/cart')).json()).toMatchObject({ locked: true })
  expect(response).toEqual({
    success: true,
    message: 'Checkout cancelled. You can edit your cart as soon as your bank releases the payment.',
  })
  await shop.stop()
  await sandbox.close()
  await test.stop()
})
