/** Admin routes for event deliveries: list them, and retry one. */
import { createRoute, z } from '@hono/zod-openapi'
import type { DeliveryKey, DeliveryRow } from '../../events/deliveries.ts'
import type { HttpApp } from '../create-app.ts'
import { HttpError } from '../errors.ts'
import { noStore } from '../no-store.ts'
import { actorHeadersSchema } from '../schemas/requests.ts'
import { deliveryResponse, responses } from '../schemas/responses.ts'
import type { ShopParts } from '../shop-parts.ts'

const eventLength = 36
/**
 * `EVENT:LISTENER`. The event ID is a UUID, so the first colon separates it from the listener's name, which may
 * contain any character.
 */
const deliveryParam = z.object({
  id: z
    .string()
    .max(eventLength + 1 + 200)
    .refine(text => z.uuid().safeParse(text.slice(0, eventLength)).success && text[eventLength] === ':')
    .openapi({ param: { name: 'id', in: 'path' }, example: '01989f0e-5c1a-7000-8000-2f1d7f3a9b10:mail' }),
})

function keyOf(id: string): DeliveryKey {
  return { eventId: id.slice(0, eventLength).toLowerCase(), listener: id.slice(eventLength + 1) }
}

const list = createRoute({
  method: 'get',
  path: '/admin/deliveries',
  summary: 'List event deliveries',
  description:
    'Parked deliveries, then due ones, oldest first. With `lock_id`: all deliveries of that checkout, including delivered ' +
    'ones. `overdue` means due although the event is older than five minutes.',
  security: [{ admin: [] }],
  request: {
    query: z.object({
      state: z.enum(['parked', 'due', 'overdue']).optional(),
      listener: z.string().min(1).max(200).optional(),
      lock_id: z.uuid().optional(),
      limit: z.coerce.number().int().min(1).max(999).default(50),
    }),
  },
  responses: responses({
    200: ['The deliveries', z.strictObject({ deliveries: z.array(deliveryResponse), more: z.boolean() })],
  }),
})

const retry = createRoute({
  method: 'post',
  path: '/admin/deliveries/{id}/retry',
  summary: 'Retry an event delivery',
  description:
    'Makes a delivery due now, also if it was delivered or parked: the listener then receives the event again. `id` is ' +
    '`EVENT:LISTENER` from the list, percent-encoded. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: { params: deliveryParam, headers: actorHeadersSchema },
  responses: responses({ 202: ['The delivery is due', z.strictObject({ delivery: deliveryResponse })] }),
})

function present(row: DeliveryRow) {
  return {
    id: `${row.eventId}:${row.listener}`,
    event_id: row.eventId,
    listener: row.listener,
    lock_id: row.checkoutId,
    type: row.type,
    state: row.state,
    running: row.running,
    attempts: row.attempts,
    next_at: row.state === 'due' ? row.nextAt : null,
    last_error: row.lastError,
    occurred_at: row.occurredAt,
  }
}

export function adminDeliveryRoutes(app: HttpApp, { engine: { deliverer } }: ShopParts): void {
  app.openapi(list, async c => {
    const { state, listener, lock_id: checkoutId, limit } = c.req.valid('query')
    if (listener !== undefined) await deliverer.checkListener(listener)
    // One more than the page, to know whether more exist.
    const found = await deliverer.list({ state, listener, checkoutId, countMax: limit + 1 })
    return c.json({ deliveries: found.slice(0, limit).map(present), more: found.length > limit }, 200, noStore)
  })

  app.openapi(retry, async c => {
    const key = keyOf(c.req.valid('param').id)
    const actor = c.req.valid('header')['x-admin-actor']
    const isDue = await deliverer.redeliver(key, { actor })
    const row = await deliverer.find(key)
    if (row === null) throw new HttpError('not_found', 'Delivery not found.')
    if (!isDue) throw new HttpError('delivery_running', 'The delivery is running. Try again when it has ended.')
    return c.json({ delivery: present(row) }, 202, noStore)
  })
}
