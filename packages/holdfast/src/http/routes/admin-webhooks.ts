/** What gateways told, for the shop's own people: what was given up or waits, having it looked at again, or done with. */
import { createRoute, z } from '@hono/zod-openapi'
import type { WebhookKey, WebhookRow } from '../../payments/webhooks/webhook-inbox.ts'
import { HttpError } from '../errors.ts'
import { noStore } from '../result-to-response.ts'
import type { HttpApp, Shop } from '../route-helpers.ts'
import { actorHeadersSchema } from '../schemas/requests.ts'
import { answers, webhookAnswer } from '../schemas/responses.ts'

/** `GATEWAY:EVENT`. A gateway's name is a part of paths; the id of an event may hold anything, so the first colon parts them. */
const webhookParam = z.object({
  id: z
    .string()
    .max(500)
    .regex(/^[^:]+:./s)
    .openapi({ param: { name: 'id', in: 'path' }, example: 'stripe:evt_1QGk2eLkdIwHu7ix' }),
})

function keyOf(id: string): WebhookKey {
  const colon = id.indexOf(':')
  return { gateway: id.slice(0, colon), eventId: id.slice(colon + 1) }
}

const gateway = z.string().min(1).max(100).optional()

const list = createRoute({
  method: 'get',
  path: '/admin/webhooks',
  summary: 'Webhooks that gateways sent',
  description:
    'What was given up, then what waits, those of our checkouts first; with `state` those alone. What they carry is not shown.',
  security: [{ admin: [] }],
  request: {
    query: z.object({
      state: z.enum(['given_up', 'waiting', 'done']).optional(),
      gateway,
      type: z.string().min(1).max(200).optional(),
      lock_id: z.uuid().optional(),
      ours: z
        .enum(['true', 'false'])
        .default('false')
        .transform(text => text === 'true')
        .openapi({ description: 'Only those of checkouts of ours.' }),
      limit: z.coerce.number().int().min(1).max(999).default(50),
    }),
  },
  responses: answers({
    200: ['The webhooks', z.strictObject({ webhooks: z.array(webhookAnswer), more: z.boolean() })],
  }),
})

const retryAll = createRoute({
  method: 'post',
  path: '/admin/webhooks/retry',
  summary: 'Look at all webhooks again that were given up',
  description: 'Of one gateway or of all, those of our checkouts alone or all. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: { query: list.request.query.pick({ gateway: true, ours: true }), headers: actorHeadersSchema },
  responses: answers({ 202: ['They are due', z.strictObject({ retried: z.int() })] }),
})

const one = { params: webhookParam, headers: actorHeadersSchema }
const retry = createRoute({
  method: 'post',
  path: '/admin/webhooks/{id}/retry',
  summary: 'Look at a webhook again',
  description:
    'Now, and for three days as if it had just come. `id` is that of the list, `GATEWAY:EVENT`, percent-encoded. ' +
    'Looking again changes nothing that is recorded already. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: one,
  responses: answers({ 202: ['It is due', z.strictObject({ webhook: webhookAnswer })] }),
})

const dismiss = createRoute({
  method: 'post',
  path: '/admin/webhooks/{id}/dismiss',
  summary: 'Be done with a webhook, unheeded',
  description: 'Another application’s, say: it is forgotten in time. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: one,
  responses: answers({ 200: ['It is done with', z.strictObject({ webhook: webhookAnswer })] }),
})

function present(row: WebhookRow) {
  return {
    id: `${row.gateway}:${row.eventId}`,
    gateway: row.gateway,
    event_id: row.eventId,
    type: row.type,
    lock_id: row.checkoutId,
    state: row.state,
    received_at: row.receivedAt,
    attempts: row.attempts,
    next_at: row.nextAt,
    last_reason: row.lastReason,
  }
}

export function adminWebhookRoutes(app: HttpApp, { engine: { webhooks } }: Shop): void {
  app.openapi(list, async c => {
    const { lock_id: checkoutId, limit, ...filter } = c.req.valid('query')
    // One more than is given, to know whether there is more.
    const found = await webhooks.list({ ...filter, checkoutId, countMax: limit + 1 })
    return c.json({ webhooks: found.slice(0, limit).map(present), more: found.length > limit }, 200, noStore)
  })

  app.openapi(retryAll, async c => {
    const actor = c.req.valid('header')['x-admin-actor']
    return c.json({ retried: await webhooks.retryGivenUp({ ...c.req.valid('query'), actor }) }, 202, noStore)
  })

  async function known(key: WebhookKey): Promise<WebhookRow> {
    const row = await webhooks.find(key)
    if (row === null) throw new HttpError('not_found', 'There is no such webhook.')
    return row
  }

  app.openapi(retry, async c => {
    const key = keyOf(c.req.valid('param').id)
    const isDue = await webhooks.retry(key, { actor: c.req.valid('header')['x-admin-actor'] })
    const row = await known(key)
    if (!isDue) throw new HttpError('webhook_done', 'It is done: there is nothing to look at again.')
    return c.json({ webhook: present(row) }, 202, noStore)
  })

  app.openapi(dismiss, async c => {
    const key = keyOf(c.req.valid('param').id)
    await webhooks.dismiss(key, { actor: c.req.valid('header')['x-admin-actor'] })
    return c.json({ webhook: present(await known(key)) }, 200, noStore)
  })
}
