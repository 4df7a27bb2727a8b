/** Admin routes that move money: capture and refund. Each action is recorded with its actor. */
import { createRoute } from '@hono/zod-openapi'
import { CheckoutError } from '../../domain/failure.ts'
import type { Order } from '../../domain/order.ts'
import type { RefundOptions } from '../../engine/checkout-engine.ts'
import type { HttpApp } from '../create-app.ts'
import { HttpError } from '../errors.ts'
import { noStore } from '../no-store.ts'
import { presentRefund } from '../present.ts'
import { respondWithOutcome } from '../result-to-response.ts'
import {
  actorHeadersSchema,
  lockParamSchema,
  type RefundBody,
  refundHeadersSchema,
  refundSchema,
} from '../schemas/requests.ts'
import { completedResponse, jsonBody, refundResponse, responses, waitingResponse } from '../schemas/responses.ts'
import type { ShopParts } from '../shop-parts.ts'

const refund = createRoute({
  method: 'post',
  path: '/admin/checkout-locks/{id}/refund',
  summary: 'Refund an order',
  description:
    'Refunds an amount, units of lines, or shipping; `{}` refunds all that remains. Repeating a request with the same key ' +
    'returns the first refund. Without a key, each request is a new refund. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: { params: lockParamSchema, headers: refundHeadersSchema, ...jsonBody(refundSchema) },
  responses: responses({
    200: ['Refunded', refundResponse],
    202: [
      'The gateway has not confirmed the refund yet. It is retried; repeat the request with the same key',
      refundResponse,
    ],
  }),
})

const capture = createRoute({
  method: 'post',
  path: '/admin/checkout-locks/{id}/capture',
  summary: 'Capture the payment of an order',
  description: 'A repeated request returns the same order and captures once. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: { params: lockParamSchema, headers: actorHeadersSchema },
  responses: responses({
    201: ['The paid order', completedResponse],
    202: ['The gateway has not confirmed the capture yet. It is retried', waitingResponse],
  }),
})

/** Different keys in header and body would mean two refunds. */
function keyOf(header: string | undefined, body: string | undefined): string | undefined {
  if (header !== undefined && body !== undefined && header !== body) {
    throw new HttpError('invalid_request', 'key and Idempotency-Key must be the same. Send only one of them.', {
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

export function adminRoutes(app: HttpApp, shop: ShopParts): void {
  const { engine } = shop
  app.openAPIRegistry.registerComponent('securitySchemes', 'admin', {
    type: 'http',
    scheme: 'bearer',
    description: 'The value of `CHECKOUT_ADMIN_SECRET`. Without one, `/admin` responds with 403.',
  })

  async function orderOf(lockId: string): Promise<Order> {
    const status = await engine.getCheckoutStatus(lockId)
    if (status === null) throw new CheckoutError('checkout_not_found', 'Checkout not found.')
    if (status.order !== null) return status.order
    const { state } = status.lock
    throw new CheckoutError('not_refundable', 'This checkout has no order.', { context: { state } })
  }

  app.openapi(capture, async c => {
    const actor = c.req.valid('header')['x-admin-actor']
    const requestId = c.get('requestId')
    return respondWithOutcome(shop, c, await engine.captureCheckout(c.req.valid('param').id, { actor, requestId }))
  })

  app.openapi(refund, async c => {
    // `{}` refunds all that remains. A lost body must not.
    if ((await c.req.text()) === '')
      throw new HttpError('invalid_request', 'The body must be a JSON object. Send {} to refund all that remains.')
    const headers = c.req.valid('header')
    const body = c.req.valid('json')
    const key = keyOf(headers['idempotency-key'], body.key)
    const order = await orderOf(c.req.valid('param').id)
    const options = refundOfBody(body, key, headers['x-admin-actor'])
    const outcome = await engine.refundOrder(order.id, { ...options, requestId: c.get('requestId') })
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
