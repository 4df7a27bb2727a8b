/** The checkout: start, pay, resume, cancel. Every request may be repeated and returns the same result. */
import { createRoute } from '@hono/zod-openapi'
import type { Cart } from '../../domain/cart.ts'
import { emptyCartMessage } from '../../domain/cart-messages.ts'
import { CheckoutError } from '../../domain/failure.ts'
import type { CheckoutLock } from '../../domain/lock.ts'
import type { Order } from '../../domain/order.ts'
import type { Outcome } from '../../domain/outcome.ts'
import type { HttpContext } from '../context.ts'
import type { HttpApp } from '../create-app.ts'
import { HttpError } from '../errors.ts'
import { mayBeEmpty } from '../middleware/body.ts'
import { createMiddleware } from '../middleware/create-middleware.ts'
import { refuseCrossSite } from '../middleware/csrf.ts'
import { noStore } from '../no-store.ts'
import { plainTotals, presentLock, presentTotals } from '../present.ts'
import { respondWithOrder, respondWithOutcome } from '../result-to-response.ts'
import { type CheckoutBody, checkoutSchema, lockReferenceSchema, paymentOfBody } from '../schemas/requests.ts'
import {
  cancelResponse,
  completedResponse,
  jsonBody,
  lockResponse,
  optionalJsonBody,
  responses,
  waitingResponse,
} from '../schemas/responses.ts'
import { cartOf, lastOrderOf, lockOf } from '../session-checkout.ts'
import type { ShopParts } from '../shop-parts.ts'
import { showCheckout } from '../show-checkout.ts'
import { wantsPage } from '../show-page.ts'

const outcomeResponses = responses({
  201: ['The order', completedResponse],
  202: ['The buyer must act, or the gateway has not confirmed the payment yet', waitingResponse],
})
const start = createRoute({
  method: 'get',
  path: '/checkout',
  summary: 'Start a checkout, or get the active one',
  description:
    'For scripts: send `X-Requested-With: XMLHttpRequest` or `Accept: application/json`. Browsers get the page.',
  responses: responses({ 200: ['The lock', lockResponse] }),
})
const process = createRoute({
  method: 'post',
  path: '/checkout',
  summary: 'Pay for the cart',
  description: 'Rate limited. A retry after a lost response returns the same order and charges once.',
  request: jsonBody(checkoutSchema),
  responses: outcomeResponses,
})
const resume = createRoute({
  method: 'post',
  path: '/checkout/resume',
  summary: 'Resume a checkout after a confirmation or a pending response',
  request: optionalJsonBody(lockReferenceSchema),
  responses: outcomeResponses,
})
const cancel = createRoute({
  method: 'post',
  path: '/checkout/cancel',
  summary: 'Cancel the checkout',
  request: optionalJsonBody(lockReferenceSchema),
  responses: responses({ 200: ['The checkout is cancelled, or there was none', cancelResponse] }),
})

export function checkoutRoutes(app: HttpApp, shop: ShopParts): void {
  const { engine, sessions } = shop

  app.openapi(start, async c => (wantsPage(c) ? showCheckout(shop, c) : startForScript(shop, c)))

  app.openapi({ ...process, middleware: limitCheckouts(shop) }, async c => {
    const sessionId = await sessions.require(c)
    const body = c.req.valid('json')
    const returnUrl = returnUrlOf(shop, c, body.return_url)
    const found = await lockToPay(shop, c, sessionId, body)
    if ('number' in found) return respondWithOrder(c, found)
    const requestId = c.get('requestId')
    const payment = paymentOfBody(body, returnUrl)
    return respondWithOutcome(shop, c, await engine.processCheckout(found.id, payment, { sessionId, requestId }))
  })

  app.openapi({ ...resume, middleware: mayBeEmpty }, async c => {
    const sessionId = await sessions.require(c)
    const requestId = c.get('requestId')
    const lock = await lockOf(shop, c, c.req.valid('json').lock_id)
    if (lock !== null)
      return respondWithOutcome(shop, c, await engine.resumeCheckout(lock.id, { sessionId, requestId }))
    const cart = await cartOf(shop, c)
    const order = cart === null || cart.lines.length === 0 ? await lastOrderOf(shop, sessionId) : null
    if (order === null) throw new CheckoutError('checkout_not_found', 'There is no checkout to resume.')
    return respondWithOrder(c, order)
  })

  app.openapi({ ...cancel, middleware: mayBeEmpty }, async c => {
    const sessionId = await sessions.require(c)
    const lock = await lockOf(shop, c, c.req.valid('json').lock_id)
    if (lock === null) return c.json({ success: true, message: 'There is no checkout to cancel.' }, 200, noStore)
    const outcome = await engine.cancelCheckout(lock.id, { sessionId, requestId: c.get('requestId') })
    return c.json({ success: true, message: cancelMessage(outcome) }, 200, noStore)
  })
}

async function startForScript(shop: ShopParts, c: HttpContext): Promise<Response> {
  if (c.req.header('x-requested-with') === undefined && !c.req.header('accept')?.includes('application/json')) {
    throw new HttpError(
      'not_acceptable',
      'Send X-Requested-With: XMLHttpRequest or Accept: application/json to start a checkout.',
    )
  }
  // This GET starts a checkout, so it must be protected from other sites like a POST.
  refuseCrossSite(c.req.raw, shop.originOf(c))
  const { engine } = shop
  const sessionId = await shop.sessions.require(c)
  const cart = await cartOf(shop, c)
  if (cart === null || cart.lines.length === 0) throw new CheckoutError('cart_empty', emptyCartMessage)
  const lock = await lockCart(shop, c, sessionId, cart)
  const [status, quoted] = await Promise.all([
    engine.getCheckoutStatus(lock.id, { sessionId }),
    engine.quoteCart(cart.id),
  ])
  const current = quoted?.quote ? presentTotals(quoted.quote) : plainTotals(cart)
  const frozen = status?.totals
  const totals = frozen ? { currency: frozen.currency, total: frozen.totalMinor } : current
  return c.json({ ...presentLock(status?.lock ?? lock), totals }, 200, noStore)
}

async function lockCart({ engine }: ShopParts, c: HttpContext, sessionId: string, cart: Cart): Promise<CheckoutLock> {
  return engine.startCheckout(cart.id, { sessionId, userId: c.get('userId'), requestId: c.get('requestId') })
}

/** The checkout to pay. If the cart was already bought, its order: the response to the first request was lost. */
async function lockToPay(
  shop: ShopParts,
  c: HttpContext,
  sessionId: string,
  body: CheckoutBody,
): Promise<CheckoutLock | Order> {
  const named = body.lock_id === undefined ? null : await lockOf(shop, c, body.lock_id)
  if (named !== null) return named
  const cart = await cartOf(shop, c)
  if (cart === null || cart.lines.length === 0) {
    const order = await lastOrderOf(shop, sessionId)
    if (order === null) throw new CheckoutError('cart_empty', emptyCartMessage)
    return order
  }
  try {
    return await lockCart(shop, c, sessionId, cart)
  } catch (error) {
    // Another tab bought this cart first. Respond with its order.
    const wasBought = error instanceof CheckoutError && error.code === 'cart_ordered'
    const order = wasBought ? await lastOrderOf(shop, sessionId) : null
    if (order === null) throw error
    return order
  }
}

/** Where the buyer returns to. Only a URL of this shop is accepted, so a buyer cannot be redirected elsewhere. */
function returnUrlOf(shop: ShopParts, c: HttpContext, requested: string | undefined): string {
  const origin = shop.originOf(c)
  if (requested === undefined) return `${origin}/checkout?returned=1`
  if (new URL(requested).origin === origin) return requested
  throw new HttpError('invalid_request', 'return_url must be a URL of this shop.', {
    context: { issues: [{ path: 'return_url', message: 'must be a URL of this shop' }] },
  })
}

/** @throws {CheckoutError} `checkout_not_active` if the payment is already being captured or was captured. */
function cancelMessage(outcome: Outcome): string {
  switch (outcome.status) {
    case 'failed':
      // The failure says whether the buyer was charged. The cart stays locked until the gateway has confirmed the void.
      return outcome.lock.state === 'rolling_back'
        ? `${outcome.failure.message} You can edit your cart as soon as the payment is released.`
        : `${outcome.failure.message} Your cart is unchanged.`
    case 'processing':
    case 'action_required':
    case 'completed':
    case 'awaiting_capture':
      throw new CheckoutError('checkout_not_active', 'This checkout can no longer be cancelled.', {
        context: { status: outcome.status },
      })
    default:
      return outcome satisfies never
  }
}

/** Counts the request before its body is read, so that invalid requests count as well. */
function limitCheckouts(shop: ShopParts) {
  return createMiddleware(async (c, next) => {
    for (const [name, value] of Object.entries(await shop.throttle(c))) c.header(name, value)
    await next()
  })
}
