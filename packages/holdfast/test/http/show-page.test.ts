/** Requests for HTML to a shop without pages. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { errorResponse } from '../../src/http/schemas/responses.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { openBrowser, openShop, origin, type TestShop } from './open-shop.ts'

let test: TestDatabase
let shop: TestShop
beforeAll(async () => {
  test = await openTestDatabase('embedded')
  shop = await openShop(test.database, { pages: null })
})
afterAll(async () => {
  await shop.stop()
  await test.stop()
})

it.each([
  '/',
  '/p/brass-cleat',
  '/p/x',
  '/cart',
  '/checkout',
  '/checkout/confirmation/01a2064e-58b4-7207-8f53-1eeaafc9a992',
])('a request for the HTML of %s gets 406 and no session cookie without a page set', async path => {
  const response = await shop.handler(new Request(`${origin}${path}`, { headers: { Accept: 'text/html' } }))
  expect(response.status).toBe(406)
  expect(response.headers.getSetCookie()).toEqual([])
  expect(errorResponse.parse(await response.json()).code).toBe('not_acceptable')
})

it('requests for JSON are served without a page set', async () => {
  const { send } = await openBrowser(shop.handler)
  expect((await send('GET', '/cart')).status).toBe(200)
  expect((await send('GET', '/products')).status).toBe(200)
})
