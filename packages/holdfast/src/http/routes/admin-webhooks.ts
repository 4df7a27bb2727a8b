/** Admin routes for received webhooks: list, retry, and dismiss them. */
import { createRoute, z } from '@hono/zod-openapi'
import type { WebhookKey, WebhookRow } from '../../payments/webhooks/webhook-inbox.ts'
import type { HttpApp } from '../create-app.ts'
import { HttpError } from '../errors.ts'
import { noStore } from '../no-store.ts'
import { actorHeadersSchema } from '../schemas/requests.ts'
import { responses, webhookResponse } from '../schemas/responses.ts'
import type { ShopParts } from '../shop-parts.ts'

/**
 * `GATEWAY:EVENT`. A gateway's name has no colon, so the first one separates it from the event ID, which may contain
 * any character.
 */
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
  summary: 'List received webhooks',
  description:
    'Webhooks that were given up, then waiting ones; those of known checkouts first. Default: both states. Payloads are ' +
    'not shown.',
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
        .openapi({ description: 'Only webhooks of known checkouts.' }),
      limit: z.coerce.number().int().min(1).max(999).default(50),
    }),
  },
  responses: responses({
    200: ['The webhooks', z.strictObject({ webhooks: z.array(webhookResponse), more: z.boolean() })],
  }),
})

const retryAll = createRoute({
  method: 'post',
  path: '/admin/webhooks/retry',
  summary: 'Retry all webhooks that were given up',
  description: '`gateway` and `ours` limit the selection. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: { query: list.request.query.pick({ gateway: true, ours: true }), headers: actorHeadersSchema },
  responses: responses({ 202: ['The webhooks are due', z.strictObject({ retried: z.int() })] }),
})

const one = { params: webhookParam, headers: actorHeadersSchema }
const retry = createRoute({
  method: 'post',
  path: '/admin/webhooks/{id}/retry',
  summary: 'Retry a webhook',
  description:
    'Processes the webhook now, with retries for three days as if it had just arrived. `id` is `GATEWAY:EVENT` from the ' +
    'list, percent-encoded. Effects that are already recorded are not repeated. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: one,
  responses: responses({ 202: ['The webhook is due', z.strictObject({ webhook: webhookResponse })] }),
})

const dismiss = createRoute({
  method: 'post',
  path: '/admin/webhooks/{id}/dismiss',
  summary: 'Dismiss a webhook without processing it',
  description:
    'For example a webhook of another application. It is deleted after the retention period. Recorded with `X-Admin-Actor`.',
  security: [{ admin: [] }],
  request: one,
  responses: responses({ 200: ['The webhook is dismissed', z.strictObject({ webhook: webhookResponse })] }),
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

export function adminWebhookRoutes(app: HttpApp, { engine: { webhooks } }: ShopParts): void {
  app.openapi(list, async c => {
    const { lock_id: checkoutId, limit, ...filter } = c.req.valid('query')
    if (filter.gateway !== undefined) await webhooks.checkGateway(filter.gateway)
    // One more than the page, to know whether more exist.
    const found = await webhooks.list({ ...filter, checkoutId, countMax: limit + 1 })
    return c.json({ webhooks: found.slice(0, limit).map(present), more: found.length > limit }, 200, noStore)
  })

  app.openapi(retryAll, async c => {
    const actor = c.req.valid('header')['x-admin-actor']
    const filter = c.req.valid('query')
    if (filter.gateway !== undefined) await webhooks.checkGateway(filter.gateway)
    return c.json({ retried: await webhooks.retryGivenUp({ ...filter, actor }) }, 202, noStore)
  })

  async function find(key: WebhookKey): Promise<WebhookRow> {
    const row = await webhooks.find(key)
    if (row === null) throw new HttpError('not_found', 'Webhook not found.')
    return row
  }

  app.openapi(retry, async c => {
    const key = keyOf(c.req.valid('param').id)
    const isDue = await webhooks.retry(key, { actor: c.req.valid('header')['x-admin-actor'] })
    const row = await find(key)
    if (!isDue) throw new HttpError('webhook_done', 'The webhook is already processed or dismissed.')
    return c.json({ webhook: present(row) }, 202, noStore)
  })

  app.openapi(dismiss, async c => {
    const key = keyOf(c.req.valid('param').id)
    await webhooks.dismiss(key, { actor: c.req.valid('header')['x-admin-actor'] })
    return c.json({ webhook: present(await find(key)) }, 200, noStore)
  })
}
