/**
 * Webhooks: hints to look at a checkout again, never facts. They are stored before they are acknowledged, once however
 * often they come, and stay until the checkout they speak of could be looked at. One that speaks of no checkout of ours
 * is kept and done with.
 */
import type { PaymentGateway, WebhookEvent } from '../payments/gateway.ts'
import { storableJson } from '../payments/heard.ts'
import { type Database, statement } from '../store/database.ts'

const insertWebhook = statement(
  'insert_webhook',
  `insert into holdfast.webhooks (gateway, event_id, type, checkout_id, reference, payload, handled_at)
   select $1, $2, $3, checkout.id, $5, $6::jsonb, case when checkout.id is null then now() end
   from (values ($4::uuid)) as about (id) left join holdfast.checkouts checkout on checkout.id = about.id
   on conflict (gateway, event_id) do nothing`,
)
const readOpenWebhooks = statement(
  'read_open_webhooks',
  `select gateway, event_id, checkout_id from holdfast.webhooks
   where handled_at is null and checkout_id is not null and received_at > now() - interval '3 days' order by received_at limit $1::int`,
)
const handleWebhook = statement(
  'handle_webhooks',
  `update holdfast.webhooks as webhook set handled_at = now()
   from json_to_recordset($1) as row (gateway text, event_id text)
   where webhook.gateway = row.gateway and webhook.event_id = row.event_id and webhook.handled_at is null`,
)

export interface StoredWebhook {
  gateway: string
  event_id: string
  checkout_id: string | null
}

const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Checks and stores a webhook; null when it is not genuine. */
export async function storeWebhook(
  db: Database,
  gateway: PaymentGateway,
  headers: Headers,
  rawBody: string,
): Promise<WebhookEvent | null> {
  const event = (await gateway.verifyWebhook?.(headers, rawBody)) ?? null
  if (event === null) return null
  const checkoutId = event.checkoutId !== null && isUuid.test(event.checkoutId) ? event.checkoutId : null
  await db.query(insertWebhook, [
    gateway.name,
    event.id,
    event.type,
    checkoutId,
    event.reference,
    storableJson(event.payload),
  ])
  return event
}

export function openWebhooks(db: Database, limit: number): Promise<StoredWebhook[]> {
  return db.query<StoredWebhook>(readOpenWebhooks, [limit])
}

export async function markHandled(db: Database, webhooks: readonly StoredWebhook[]): Promise<void> {
  if (webhooks.length === 0) return
  await db.query(handleWebhook, [JSON.stringify(webhooks.map(({ gateway, event_id }) => ({ gateway, event_id })))])
}
