/** The status of a checkout, once or live, and the order it became. */
import { createRoute } from '@hono/zod-openapi'
import { streamSSE } from 'hono/streaming'
import { CheckoutError } from '../../domain/failure.ts'
import { presentOrder } from '../../domain/present.ts'
import { isFinal } from '../../domain/states.ts'
import type { CheckoutStatus } from '../../engine/checkout-engine.ts'
import type { HttpContext } from '../context.ts'
import type { HttpApp } from '../create-app.ts'
import { noStore } from '../no-store.ts'
import { presentStatus } from '../present.ts'
import { lockQuerySchema, orderParamSchema } from '../schemas/requests.ts'
import { completedResponse, responses, statusResponse } from '../schemas/responses.ts'
import { cartOf, lockOf } from '../session-checkout.ts'
import type { ShopParts } from '../shop-parts.ts'
import { requirePages, showPage, wantsPage } from '../show-page.ts'

const status = createRoute({
  method: 'get',
  path: '/checkout/status',
  summary: 'Get the status of the checkout',
  description: 'The checkout named by `lock_id`, also after it has ended, or else the active checkout of the session.',
  request: { query: lockQuerySchema },
  responses: responses({ 200: ['The status', statusResponse] }),
})
const events = createRoute({
  method: 'get',
  path: '/checkout/events',
  summary: 'Stream the status of the checkout',
  description:
    'Server-sent events named `status`, now and on every change. The stream ends with the checkout or after 15 minutes.',
  request: { query: lockQuerySchema },
  responses: {
    200: { description: 'A stream of statuses', content: { 'text/event-stream': { schema: statusResponse } } },
  },
})
const confirmation = createRoute({
  method: 'get',
  path: '/checkout/confirmation/{order}',
  summary: 'Get the order of a checkout',
  request: { params: orderParamSchema },
  responses: responses({ 200: ['The order', completedResponse] }),
})

export function checkoutStatusRoutes(app: HttpApp, shop: ShopParts): void {
  const { engine } = shop

  /** The status without a checkout of this session. A checkout can start if the cart has lines and is not locked. */
  async function idle(c: HttpContext) {
    const cart = await cartOf(shop, c)
    const lock = cart === null ? null : await engine.getActiveLock(cart.id)
    return { locked: false, can_checkout: cart !== null && cart.lines.length > 0 && lock === null } as const
  }

  const present = (found: CheckoutStatus) => presentStatus(found, !isFinal(found.lock.state) && found.canResume)

  async function statusOf(c: HttpContext, lockId: string | undefined): Promise<CheckoutStatus | null> {
    const lock = await lockOf(shop, c, lockId)
    return lock === null ? null : engine.getCheckoutStatus(lock.id, { sessionId: lock.sessionId })
  }

  app.openapi(status, async c => {
    const found = await statusOf(c, c.req.valid('query').lock_id)
    return c.json(found === null ? await idle(c) : present(found), 200, noStore)
  })

  app.openapi(events, async c => {
    const found = await statusOf(c, c.req.valid('query').lock_id)
    if (found === null) {
      const data = JSON.stringify(await idle(c))
      return streamSSE(c, stream => stream.writeSSE({ event: 'status', data }))
    }
    const { id, sessionId } = found.lock
    return shop.live.stream(c, id, () => engine.getCheckoutStatus(id, { sessionId }), present)
  })

  app.openapi(confirmation, async c => {
    if (wantsPage(c)) requirePages(shop)
    const sessionId = c.get('sessionId')
    const order = sessionId === null ? null : await engine.getOrder(c.req.valid('param').order, { sessionId })
    if (order === null) throw new CheckoutError('order_not_found', 'Order not found.')
    return wantsPage(c)
      ? showPage(shop, c, (pages, frame) => pages.confirmation(frame, order))
      : c.json({ order: presentOrder(order) }, 200, noStore)
  })
}
