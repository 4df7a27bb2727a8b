/** The session's cart. While it is checked out the database refuses every change, which is a 423 here. */
import { createRoute } from '@hono/zod-openapi'
import type { Cart } from '../../domain/cart.ts'
import type { HttpContext } from '../context.ts'
import { readCart } from '../read-cart.ts'
import { cartOf, type HttpApp, type Shop, wantsPage } from '../route-helpers.ts'
import {
  addLineSchema,
  addressesSchema,
  addressOfBody,
  changeLineSchema,
  couponSchema,
  lineParamSchema,
  shippingMethodSchema,
} from '../schemas/requests.ts'
import { answers, cartAnswer, csrfAnswer, jsonBody } from '../schemas/responses.ts'
import { showPage } from '../show-page.ts'

const cartAnswers = answers({ 200: ['The cart', cartAnswer] })
const show = createRoute({ method: 'get', path: '/cart', summary: 'The cart', responses: cartAnswers })
const add = createRoute({
  method: 'post',
  path: '/cart/lines',
  summary: 'Put a variant into the cart',
  request: jsonBody(addLineSchema),
  responses: cartAnswers,
})
const change = createRoute({
  method: 'patch',
  path: '/cart/lines/{id}',
  summary: 'Change a quantity',
  request: { params: lineParamSchema, ...jsonBody(changeLineSchema) },
  responses: cartAnswers,
})
const remove = createRoute({
  method: 'delete',
  path: '/cart/lines/{id}',
  summary: 'Take a line out',
  request: { params: lineParamSchema },
  responses: cartAnswers,
})
const clear = createRoute({ method: 'delete', path: '/cart/lines', summary: 'Empty the cart', responses: cartAnswers })
const setCoupon = createRoute({
  method: 'put',
  path: '/cart/coupon',
  summary: 'Use a coupon',
  request: jsonBody(couponSchema),
  responses: cartAnswers,
})
const removeCoupon = createRoute({
  method: 'delete',
  path: '/cart/coupon',
  summary: 'Use no coupon',
  responses: cartAnswers,
})
const setAddresses = createRoute({
  method: 'put',
  path: '/cart/addresses',
  summary: 'Set e-mail and addresses',
  request: jsonBody(addressesSchema),
  responses: cartAnswers,
})
const setShippingMethod = createRoute({
  method: 'put',
  path: '/cart/shipping-method',
  summary: 'Choose how it is sent',
  request: jsonBody(shippingMethodSchema),
  responses: cartAnswers,
})
const csrfToken = createRoute({
  method: 'get',
  path: '/csrf-token',
  summary: 'The token that changes are sent with',
  responses: answers({ 200: ['The token, also in the cookie `holdfast_csrf`', csrfAnswer] }),
})

const noStore = { 'Cache-Control': 'no-store' }

export function cartRoutes(app: HttpApp, shop: Shop): void {
  const { carts, sessions } = shop
  const answer = async (c: HttpContext, cart: Cart | null) => c.json(await readCart(shop, cart), 200, noStore)

  app.openapi(show, async c => {
    const cart = await cartOf(shop, c)
    if (!wantsPage(c)) return answer(c, cart)
    const view = await readCart(shop, cart)
    const isLocked = view.locked && shop.config.protection
    return showPage(shop, c, (pages, frame) => pages.cart(frame, { cart: view, isLocked }), view.quantity)
  })
  app.openapi(add, async c => answer(c, await carts.addLine(await sessions.require(c), c.req.valid('json'))))
  app.openapi(change, async c => {
    const line = c.req.valid('param').id
    return answer(c, await carts.changeLine(await sessions.require(c), line, c.req.valid('json').quantity))
  })
  app.openapi(remove, async c => answer(c, await carts.removeLine(await sessions.require(c), c.req.valid('param').id)))
  app.openapi(clear, async c => answer(c, await carts.clear(await sessions.require(c))))
  app.openapi(setCoupon, async c =>
    answer(c, await carts.setCoupon(await sessions.require(c), c.req.valid('json').code)),
  )
  app.openapi(removeCoupon, async c => answer(c, await carts.removeCoupon(await sessions.require(c))))
  app.openapi(setAddresses, async c => {
    const { email, shipping_address: shipping, billing_address: billing } = c.req.valid('json')
    const addresses = {
      ...(email === undefined ? {} : { email }),
      ...(shipping === undefined ? {} : { shippingAddress: addressOfBody(shipping) }),
      ...(billing === undefined ? {} : { billingAddress: addressOfBody(billing) }),
    }
    return answer(c, await carts.setAddresses(await sessions.require(c), addresses))
  })
  app.openapi(setShippingMethod, async c =>
    answer(c, await carts.setShippingMethod(await sessions.require(c), c.req.valid('json').code)),
  )
  app.openapi(csrfToken, async c => c.json({ csrf_token: shop.csrf.tokenFor(await sessions.require(c)) }, 200, noStore))
}
