/** Where a checkout stands: asked once, followed live, and its end, the order. */
import { createRoute } from '@hono/zod-openapi'
import { streamSSE } from 'hono/streaming'
import { CheckoutError } from '../../domain/failure.ts'
import { presentOrder } from '../../domain/present.ts'
import { isFinal } from '../../domain/states.ts'
import type { CheckoutStatus } from '../../engine/checkout-engine.ts'
import type { HttpContext } from '../context.ts'
import { presentStatus } from '../present.ts'
import { cartOf, type HttpApp, lockOf, type Shop, wantsPage } from '../route-helpers.ts'
import { lockQuerySchema, orderParamSchema } from '../schemas/requests.ts'
import { answers, completedAnswer, statusAnswer } from '../schemas/responses.ts'
import { showPage } from '../show-page.ts'

const status = createRoute({
  method: 'get',
  path: '/checkout/status',
  summary: 'Where the checkout stands',
  description: 'Of the session’s active checkout, or of the one named by `lock_id`, also when it is over.',
  request: { query: lockQuerySchema },
  responses: answers({ 200: ['The status', statusAnswer] }),
})
const events = createRoute({
  method: 'get',
  path: '/checkout/events',
  summary: 'The same, live',
  description:
    'Server-sent events named `status`, at once and on every change; ends when the checkout is over, or after 15 minutes.',
  request: { query: lockQuerySchema },
  responses: { 200: { description: 'A stream', content: { 'text/event-stream': { schema: statusAnswer } } } },
})
const confirmation = createRoute({
  method: 'get',
  path: '/checkout/confirmation/{order}',
  summary: 'The order',
  request: { params: orderParamSchema },
  responses: answers({ 200: ['The order', completedAnswer] }),
})

const noStore = { 'Cache-Control': 'no-store' }

export function checkoutStatusRoutes(app: HttpApp, shop: Shop): void {
  const { engine } = shop

  /** One can check out who has lines in a cart that nobody else is checking out. */
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
    const sessionId = c.get('sessionId')
    const order = sessionId === null ? null : await engine.getOrder(c.req.valid('param').order, { sessionId })
    if (order === null) throw new CheckoutError('order_not_found', 'There is no such order.')
    return wantsPage(c)
      ? showPage(shop, c, (pages, frame) => pages.confirmation(frame, order))
      : c.json({ order: presentOrder(order) }, 200, noStore)
  })
}
