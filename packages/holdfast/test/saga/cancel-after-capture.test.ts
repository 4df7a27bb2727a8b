/** What a buyer is told who cancels while the gateway does not let the payment go. */
import { expect, it } from 'vitest'
import { createSandboxGateway } from '../../src/payments/sandbox/sandbox.ts'
import { address, openBrowser, openShop } from '../http/open-shop.ts'
import { openTestDatabase } from '../support/test-database.ts'

it('does not say that the cart is free while it is not', async () => {
  const test = await openTestDatabase('postgres')
  const sandbox = createSandboxGateway({ database: test.database })
  const voiding = async () => ({ outcome: 'unknown', message: 'No answer.' }) as const
  const shop = await openShop(test.database, { gateway: { ...sandbox, void: voiding } })
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
  const body = { email: 'a@example.com', shipping_address: address, payment_token: 'tok_action_required' }
  expect((await browser.send('POST', '/checkout', body)).status).toBe(202)
  const told = await (await browser.send('POST', '/checkout/cancel', {})).json()
  expect(await (await browser.send('GET', '/cart')).json()).toMatchObject({ locked: true })
  expect(told).toEqual({
    success: true,
    message: 'The checkout is cancelled. Your cart can be changed again once the payment has been let go.',
  })
  await shop.stop()
  await sandbox.close()
  await test.stop()
})
