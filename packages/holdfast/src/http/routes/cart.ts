/** The cart of the session. The database rejects changes of a cart that a checkout locks; the response is then 423. */
import { createRoute } from '@hono/zod-openapi'
import type { Cart } from '../../domain/cart.ts'
import type { HttpContext } from '../context.ts'
import type { HttpApp } from '../create-app.ts'
import { noStore } from '../no-store.ts'
import { readCart } from '../read-cart.ts'
import {
  addLineSchema,
  addressesSchema,
  addressOfBody,
  changeLineSchema,
  couponSchema,
  lineParamSchema,
  shippingMethodSchema,
} from '../schemas/requests.ts'
import { cartResponse, csrfResponse, jsonBody, responses } from '../schemas/responses.ts'
import { cartOf } from '../session-checkout.ts'
import type { ShopParts } from '../shop-parts.ts'
import { showPage, wantsPage } from '../show-page.ts'

const cartResponses = responses({ 200: ['The cart', cartResponse] })
const show = createRoute({ method: 'get', path: '/cart', summary: 'Get the cart', responses: cartResponses })
const add = createRoute({
  method: 'post',
  path: '/cart/lines',
  summary: 'Add a variant to the cart',
  request: jsonBody(addLineSchema),
  responses: cartResponses,
})
const change = createRoute({
  method: 'patch',
  path: '/cart/lines/{id}',
  summary: 'Change the quantity of a line',
  request: { params: lineParamSchema, ...jsonBody(changeLineSchema) },
  responses: cartResponses,
})
const remove = createRoute({
  method: 'delete',
  path: '/cart/lines/{id}',
  summary: 'Remove a line',
  request: { params: lineParamSchema },
  responses: cartResponses,
})
const clear = createRoute({
  method: 'delete',
  path: '/cart/lines',
  summary: 'Empty the cart',
  responses: cartResponses,
})
const setCoupon = createRoute({
  method: 'put',
  path: '/cart/coupon',
  summary: 'Apply a coupon',
  request: jsonBody(couponSchema),
  responses: cartResponses,
})
const removeCoupon = createRoute({
  method: 'delete',
  path: '/cart/coupon',
  summary: 'Remove the coupon',
  responses: cartResponses,
})
const setAddresses = createRoute({
  method: 'put',
  path: '/cart/addresses',
  summary: 'Set the email and the addresses',
  request: jsonBody(addressesSchema),
  responses: cartResponses,
})
const setShippingMethod = createRoute({
  method: 'put',
  path: '/cart/shipping-method',
  summary: 'Select a shipping method',
  request: jsonBody(shippingMethodSchema),
  responses: cartResponses,
})
const csrfToken = createRoute({
  method: 'get',
  path: '/csrf-token',
  summary: 'Get a CSRF token',
  responses: responses({ 200: ['The token, also in the cookie `holdfast_csrf`', csrfResponse] }),
})

export function cartRoutes(app: HttpApp, shop: ShopParts): void {
  const { carts, sessions } = shop
  const respond = async (c: HttpContext, cart: Cart | null) => c.json(await readCart(shop, cart), 200, noStore)

  app.openapi(show, async c => {
    const cart = await cartOf(shop, c)
    if (!wantsPage(c)) return respond(c, cart)
    const view = await readCart(shop, cart)
    const isLocked = view.locked && shop.config.protection
    return showPage(shop, c, (pages, frame) => pages.cart(frame, { cart: view, isLocked }), view.quantity)
  })
  app.openapi(add, async c => respond(c, await carts.addLine(await sessions.require(c), c.req.valid('json'))))
  app.openapi(change, async c => {
    const line = c.req.valid('param').id
    return respond(c, await carts.changeLine(await sessions.require(c), line, c.req.valid('json').quantity))
  })
  app.openapi(remove, async c => respond(c, await carts.removeLine(await sessions.require(c), c.req.valid('param').id)))
  app.openapi(clear, async c => respond(c, await carts.clear(await sessions.require(c))))
  app.openapi(setCoupon, async c =>
    respond(c, await carts.setCoupon(await sessions.require(c), c.req.valid('json').code)),
  )
  app.openapi(removeCoupon, async c => respond(c, await carts.removeCoupon(await sessions.require(c))))
  app.openapi(setAddresses, async c => {
    const { email, shipping_address: shipping, billing_address: billing } = c.req.valid('json')
    const addresses = {
      ...(email === undefined ? {} : { email }),
      ...(shipping === undefined ? {} : { shippingAddress: addressOfBody(shipping) }),
      ...(billing === undefined ? {} : { billingAddress: addressOfBody(billing) }),
    }
    return respond(c, await carts.setAddresses(await sessions.require(c), addresses))
  })
  app.openapi(setShippingMethod, async c =>
    respond(c, await carts.setShippingMethod(await sessions.require(c), c.req.valid('json').code)),
  )
  app.openapi(csrfToken, async c => c.json({ csrf_token: shop.csrf.tokenFor(await sessions.require(c)) }, 200, noStore))
}
