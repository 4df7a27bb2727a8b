/** The checkout: start, pay, resume, cancel. Each may be sent again, at once or later, and gives the same answer. */
import { createRoute } from '@hono/zod-openapi'
import { createMiddleware } from 'hono/factory'
import type { Cart } from '../../domain/cart.ts'
import { CheckoutError } from '../../domain/failure.ts'
import type { CheckoutLock } from '../../domain/lock.ts'
import type { Order } from '../../domain/order.ts'
import type { HttpContext, HttpEnvironment, RequestVariables } from '../context.ts'
import { HttpError } from '../errors.ts'
import { mayBeEmpty } from '../middleware/body.ts'
import { refuseCrossSite } from '../middleware/csrf.ts'
import { plainTotals, presentLock, presentTotals } from '../present.ts'
import { answerOrder, answerOutcome, noStore } from '../result-to-response.ts'
import { cartOf, type HttpApp, lockOf, type Shop, wantsPage } from '../route-helpers.ts'
import { type CheckoutBody, checkoutSchema, lockReferenceSchema, paymentOfBody } from '../schemas/requests.ts'
import {
  answers,
  cancelAnswer,
  completedAnswer,
  jsonBody,
  lockAnswer,
  optionalJsonBody,
  waitingAnswer,
} from '../schemas/responses.ts'
import { showCheckout } from '../show-checkout.ts'

const outcomeAnswers = answers({
  201: ['The order', completedAnswer],
  202: ['The buyer must act, or the gateway has not answered for certain yet', waitingAnswer],
})
const start = createRoute({
  method: 'get',
  path: '/checkout',
  summary: 'Start the checkout, or get the one that runs',
  description:
    'For scripts: send `X-Requested-With: XMLHttpRequest` or `Accept: application/json`. Browsers get the page.',
  responses: answers({ 200: ['The lock', lockAnswer] }),
})
const process = createRoute({
  method: 'post',
  path: '/checkout',
  summary: 'Pay for the cart',
  description: 'Limited to a few a minute. A retry after a lost response gives the same order and charges once.',
  request: jsonBody(checkoutSchema),
  responses: outcomeAnswers,
})
const resume = createRoute({
  method: 'post',
  path: '/checkout/resume',
  summary: 'Go on after a confirmation or a pending answer',
  request: optionalJsonBody(lockReferenceSchema),
  responses: outcomeAnswers,
})
const cancel = createRoute({
  method: 'post',
  path: '/checkout/cancel',
  summary: 'Give the checkout up',
  request: optionalJsonBody(lockReferenceSchema),
  responses: answers({ 200: ['It is over', cancelAnswer] }),
})

/** Where the buyer comes back to; only an address of this shop, so that nobody is led elsewhere. */
function returnUrlOf(shop: Shop, c: HttpContext, asked: string | undefined): string {
  const origin = shop.originOf(c)
  if (asked === undefined) return `${origin}/checkout?returned=1`
  if (new URL(asked).origin === origin) return asked
  throw new HttpError('invalid_request', 'return_url must be an address of this shop.', {
    context: { issues: [{ path: 'return_url', message: 'must be an address of this shop' }] },
  })
}

export function checkoutRoutes(app: HttpApp, shop: Shop): void {
  const { engine, sessions } = shop

  async function lockCart(c: HttpContext, sessionId: string, cart: Cart): Promise<CheckoutLock> {
    return engine.startCheckout(cart.id, { sessionId, userId: c.get('userId'), requestId: c.get('requestId') })
  }

  async function startForScript(c: HttpContext): Promise<Response> {
    if (c.req.header('x-requested-with') === undefined && !c.req.header('accept')?.includes('application/json')) {
      throw new HttpError(
        'not_acceptable',
        'Send X-Requested-With: XMLHttpRequest or Accept: application/json to start a checkout.',
      )
    }
    // It starts something though it is a GET: other sites must not.
    refuseCrossSite(c.req.raw, shop.originOf(c))
    const sessionId = await sessions.require(c)
    const cart = await cartOf(shop, c)
    if (cart === null || cart.lines.length === 0) throw new CheckoutError('cart_empty', 'The cart is empty.')
    const lock = await lockCart(c, sessionId, cart)
    const [status, quoted] = await Promise.all([
      engine.getCheckoutStatus(lock.id, { sessionId }),
      engine.quoteCart(cart.id),
    ])
    const now = quoted?.quote ? presentTotals(quoted.quote) : plainTotals(cart)
    const frozen = status?.totals
    const totals = frozen ? { currency: frozen.currency, total: frozen.totalMinor } : now
    return c.json({ ...presentLock(status?.lock ?? lock), totals }, 200, noStore)
  }

  /** The order that a request's cart has become, if its answer was lost on the way. */
  async function orderedAlready(sessionId: string): Promise<Order | null> {
    const order = await engine.lastOrderOf(sessionId)
    return order === null || order.status === 'cancelled' ? null : order
  }

  async function lockToPay(c: HttpContext, sessionId: string, body: CheckoutBody): Promise<CheckoutLock | Order> {
    const named = body.lock_id === undefined ? null : await lockOf(shop, c, body.lock_id)
    if (named !== null) return named
    const cart = await cartOf(shop, c)
    if (cart === null || cart.lines.length === 0) {
      const order = await orderedAlready(sessionId)
      if (order === null) throw new CheckoutError('cart_empty', 'The cart is empty.')
      return order
    }
    try {
      return await lockCart(c, sessionId, cart)
    } catch (error) {
      // Another tab was faster: what it bought is the answer.
      const order =
        error instanceof CheckoutError && error.code === 'cart_ordered' ? await orderedAlready(sessionId) : null
      if (order === null) throw error
      return order
    }
  }

  app.openapi(start, async c => (wantsPage(c) ? showCheckout(shop, c) : startForScript(c)))

  app.openapi({ ...process, middleware: limitCheckouts(shop) }, async c => {
    const sessionId = await sessions.require(c)
    const body = c.req.valid('json')
    const returnUrl = returnUrlOf(shop, c, body.return_url)
    const found = await lockToPay(c, sessionId, body)
    if ('number' in found) return answerOrder(c, found)
    const requestId = c.get('requestId')
    const payment = paymentOfBody(body, returnUrl)
    return answerOutcome(shop, c, await engine.processCheckout(found.id, payment, { sessionId, requestId }))
  })

  app.openapi({ ...resume, middleware: mayBeEmpty }, async c => {
    const sessionId = await sessions.require(c)
    const requestId = c.get('requestId')
    const lock = await lockOf(shop, c, c.req.valid('json').lock_id)
    if (lock !== null) return answerOutcome(shop, c, await engine.resumeCheckout(lock.id, { sessionId, requestId }))
    const cart = await cartOf(shop, c)
    const order = cart === null || cart.lines.length === 0 ? await orderedAlready(sessionId) : null
    if (order === null) throw new CheckoutError('checkout_not_found', 'There is no checkout to resume.')
    return answerOrder(c, order)
  })

  app.openapi({ ...cancel, middleware: mayBeEmpty }, async c => {
    const sessionId = await sessions.require(c)
    const lock = await lockOf(shop, c, c.req.valid('json').lock_id)
    if (lock === null) return c.json({ success: true, message: 'There is no checkout to cancel.' }, 200, noStore)
    const outcome = await engine.cancelCheckout(lock.id, { sessionId, requestId: c.get('requestId') })
    switch (outcome.status) {
      case 'failed':
        return c.json({ success: true, message: cancelMessage(outcome.lock) }, 200, noStore)
      // What could be undone has failed by now: what goes on is past the decision to take the money.
      case 'processing':
      case 'action_required':
      case 'completed':
      case 'awaiting_capture':
        throw new CheckoutError('checkout_not_active', 'The checkout has come too far to be cancelled.', {
          context: { status: outcome.status },
        })
      default:
        return outcome satisfies never
    }
  })
}

/** While the gateway has not let the payment go, the cart is still locked. */
function cancelMessage({ state }: CheckoutLock): string {
  return state === 'rolling_back'
    ? 'The checkout is cancelled. Your cart can be changed again once the payment has been let go.'
    : 'The checkout was cancelled; your cart is as it was.'
}

/** Counts before the body is looked at, so that no request is free. */
function limitCheckouts(shop: Shop) {
  return createMiddleware<{ Bindings: HttpEnvironment; Variables: RequestVariables }>(async (c, next) => {
    for (const [name, value] of Object.entries(await shop.throttle(c))) c.header(name, value)
    await next()
  })
}
