/** What a shop does by hand, over HTTP. Each action is recorded with who did it. */
import { createRoute } from '@hono/zod-openapi'
import { CheckoutError } from '../../domain/failure.ts'
import type { Order } from '../../domain/order.ts'
import type { RefundOptions } from '../../engine/checkout-engine.ts'
import { HttpError } from '../errors.ts'
import { presentRefund } from '../present.ts'
import { answerOutcome, noStore } from '../result-to-response.ts'
import type { HttpApp, Shop } from '../route-helpers.ts'
import {
  actorHeadersSchema,
  lockParamSchema,
  type RefundBody,
  refundHeadersSchema,
  refundSchema,
} from '../schemas/requests.ts'
import { answers, completedAnswer, jsonBody, refundAnswer, waitingAnswer } from '../schemas/responses.ts'

const refund = createRoute({
  method: 'post',
  path: '/admin/checkout-locks/{id}/refund',
  summary: 'Give money back',
  description:
    'An amount, units of lines, shipping, or with `{}` all that is left of the order. The same key again gives the same ' +
    'refund; without one each request is a new refund. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: { params: lockParamSchema, headers: refundHeadersSchema, ...jsonBody(refundSchema) },
  responses: answers({
    200: ['Refunded', refundAnswer],
    202: ['The gateway has not answered for certain yet and is asked again; ask with the same key', refundAnswer],
  }),
})

const capture = createRoute({
  method: 'post',
  path: '/admin/checkout-locks/{id}/capture',
  summary: 'Take the money of an order that waits for it',
  description: 'Asked again it gives the same order and takes the money once. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: { params: lockParamSchema, headers: actorHeadersSchema },
  responses: answers({
    201: ['The order, paid', completedAnswer],
    202: ['The gateway has not answered for certain yet and is asked again', waitingAnswer],
  }),
})

/** A key in the header and another in the body would be two refunds. */
function keyOf(header: string | undefined, body: string | undefined): string | undefined {
  if (header !== undefined && body !== undefined && header !== body) {
    throw new HttpError('invalid_request', 'key and Idempotency-Key must be the same, or only one be sent.', {
      context: { issues: [{ path: 'key', message: 'must be the same as Idempotency-Key' }] },
    })
  }
  return body ?? header
}

function refundOfBody(body: RefundBody, key: string | undefined, actor: string): RefundOptions {
  return {
    ...(body.amount === undefined ? {} : { amountMinor: body.amount }),
    ...(body.lines === undefined
      ? {}
      : { lines: body.lines.map(({ line_no: lineNo, sku, quantity }) => ({ lineNo, sku, quantity })) }),
    ...(body.reason === undefined ? {} : { reason: body.reason }),
    ...(key === undefined ? {} : { key }),
    shipping: body.shipping,
    restock: body.restock,
    actor,
  }
}

export function adminRoutes(app: HttpApp, shop: Shop): void {
  const { engine } = shop
  app.openAPIRegistry.registerComponent('securitySchemes', 'admin', {
    type: 'http',
    scheme: 'bearer',
    description: '`CHECKOUT_ADMIN_SECRET`. Closed until it is set (403).',
  })

  async function orderOf(lockId: string): Promise<Order> {
    const status = await engine.getCheckoutStatus(lockId)
    if (status === null) throw new CheckoutError('checkout_not_found', 'There is no such checkout.')
    if (status.order !== null) return status.order
    const { state } = status.lock
    throw new CheckoutError('not_refundable', 'This checkout has no order.', { context: { state } })
  }

  app.openapi(capture, async c => {
    const actor = c.req.valid('header')['x-admin-actor']
    const requestId = c.get('requestId')
    return answerOutcome(shop, c, await engine.captureCheckout(c.req.valid('param').id, { actor, requestId }))
  })

  app.openapi(refund, async c => {
    // All that is left is asked for by an object without fields, not by a body that was lost.
    if ((await c.req.text()) === '') throw new HttpError('invalid_request', 'The body must be a JSON object.')
    const headers = c.req.valid('header')
    const body = c.req.valid('json')
    const key = keyOf(headers['idempotency-key'], body.key)
    const order = await orderOf(c.req.valid('param').id)
    const wish = refundOfBody(body, key, headers['x-admin-actor'])
    const outcome = await engine.refundOrder(order.id, { ...wish, requestId: c.get('requestId') })
    switch (outcome.status) {
      case 'refunded':
        return c.json(presentRefund(outcome), 200, noStore)
      case 'processing':
        return c.json(presentRefund(outcome), 202, { ...noStore, 'Retry-After': '2' })
      case 'failed':
        throw new CheckoutError('refund_refused', outcome.message, { context: { order_id: order.id } })
      default:
        return outcome.status satisfies never
    }
  })
}
