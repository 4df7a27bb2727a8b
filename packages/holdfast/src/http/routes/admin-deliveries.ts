/** The events on their way to listeners, for the shop's own people: what was given up or is late, and making it due. */
import { createRoute, z } from '@hono/zod-openapi'
import type { DeliveryKey, DeliveryRow } from '../../events/deliveries.ts'
import { HttpError } from '../errors.ts'
import { noStore } from '../result-to-response.ts'
import type { HttpApp, Shop } from '../route-helpers.ts'
import { actorHeadersSchema } from '../schemas/requests.ts'
import { answers, deliveryAnswer } from '../schemas/responses.ts'

const eventLength = 36
/** `EVENT:LISTENER`. A listener's name may hold anything; the id of an event is a UUID, so the first colon parts them. */
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
  summary: 'Events on their way to listeners',
  description:
    'What was given up, then what is due, oldest first; with `lock_id` all of that checkout, delivered ones, too. ' +
    '`overdue`: due, though the event is older than five minutes.',
  security: [{ admin: [] }],
  request: {
    query: z.object({
      state: z.enum(['parked', 'due', 'overdue']).optional(),
      listener: z.string().min(1).max(200).optional(),
      lock_id: z.uuid().optional(),
      limit: z.coerce.number().int().min(1).max(999).default(50),
    }),
  },
  responses: answers({
    200: ['The deliveries', z.strictObject({ deliveries: z.array(deliveryAnswer), more: z.boolean() })],
  }),
})

const retry = createRoute({
  method: 'post',
  path: '/admin/deliveries/{id}/retry',
  summary: 'Deliver an event again',
  description:
    'Makes a delivery due now, whatever became of it. `id` is that of the list, `EVENT:LISTENER`, percent-encoded. ' +
    'A listener that heard of the event already hears of it again. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: { params: deliveryParam, headers: actorHeadersSchema },
  responses: answers({ 202: ['It is due', z.strictObject({ delivery: deliveryAnswer })] }),
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

export function adminDeliveryRoutes(app: HttpApp, { engine: { deliverer } }: Shop): void {
  app.openapi(list, async c => {
    const { state, listener, lock_id: checkoutId, limit } = c.req.valid('query')
    // One more than is given, to know whether there is more.
    const found = await deliverer.list({ state, listener, checkoutId, countMax: limit + 1 })
    return c.json({ deliveries: found.slice(0, limit).map(present), more: found.length > limit }, 200, noStore)
  })

  app.openapi(retry, async c => {
    const key = keyOf(c.req.valid('param').id)
    const actor = c.req.valid('header')['x-admin-actor']
    const isDue = await deliverer.redeliver(key, { actor })
    const row = await deliverer.find(key)
    if (row === null) throw new HttpError('not_found', 'There is no such delivery.')
    if (!isDue) throw new HttpError('delivery_running', 'It runs right now. Try again when it has ended.')
    return c.json({ delivery: present(row) }, 202, noStore)
  })
}
