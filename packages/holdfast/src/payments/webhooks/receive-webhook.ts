/**
 * Received webhooks: stored once before they are acknowledged, and kept until their checkout was checked. A webhook is a
 * hint to check a checkout, never a fact. If no checkout matches, matching is retried with a growing pause, because the
 * webhook may be early. After three days the webhook is given up and waits for an operator (`webhook-inbox.ts`).
 */

import { validate as isUuid } from 'uuid'
import { type Database, statement } from '../../database/database.ts'
import type { PaymentGateway, WebhookEvent } from '../gateway.ts'
import { storableJson } from '../gateway-answers.ts'

/** SQL for the checkout of a webhook: by its checkout ID, otherwise by its payment. Null if none matches. */
const checkoutOf = (named: string, reference: string, gateway: string) => `coalesce(
  (select id from holdfast.checkouts where id = ${named}),
  (select checkout_id from holdfast.payment_operations
   where kind = 'authorize' and reference = ${reference} and gateway = ${gateway} limit 1))`

/** SQL for the next attempt: pauses double from ten seconds to one hour. Null three days after receipt or last retry. */
const nextAttempt = (
  webhook: string,
) => `case when greatest(${webhook}.received_at, ${webhook}.retried_at) > now() - interval '3 days'
  then now() + least(3600, 10 * power(2, least(${webhook}.looks, 20))) * interval '1 second' end`

/** SQL for the unprocessed webhooks among $1, locked in one order, so that two processes cannot deadlock. */
const lockedInOrder = (condition: string) => `(
  select open.ctid as place from holdfast.webhooks open
  join json_to_recordset($1) as row (gateway text, event_id text) using (gateway, event_id)
  where open.handled_at is null ${condition} order by gateway, event_id for update of open) as locked`

const insertWebhook = statement(
  'insert_webhook',
  // A webhook without a checkout ID and a payment reference can never match, so it counts as processed.
  `insert into holdfast.webhooks (gateway, event_id, type, about, named_id, reference, payload, checkout_id, handled_at)
   select $1, $2, $3, $4, $5::uuid, $6, $7::jsonb, ${checkoutOf('$5::uuid', '$6', '$1')},
     case when $5::uuid is null and $6::text is null then now() end
   on conflict (gateway, event_id) do nothing`,
)
const isUnmatchedDue = statement(
  'is_unmatched_due',
  `select exists (
     select from holdfast.webhooks where look_at <= now() and handled_at is null and checkout_id is null) as due`,
)
const matchWebhooks = statement(
  'match_webhooks',
  `with due as (
     select ctid as place, gateway, named_id, reference, received_at, retried_at, looks from holdfast.webhooks
     where look_at <= now() and handled_at is null and checkout_id is null
     order by look_at limit $1::int for update skip locked
   ), found as (
     select due.place, ${checkoutOf('due.named_id', 'due.reference', 'due.gateway')} as checkout_id, ${nextAttempt('due')} as later
     from due
   )
   update holdfast.webhooks as webhook set checkout_id = found.checkout_id, looks = webhook.looks + 1,
     look_at = case when found.checkout_id is null then found.later else now() end
   from found where webhook.ctid = found.place`,
)
const readOpenWebhooks = statement(
  'read_open_webhooks',
  // Each kind has its own limit, so webhooks that need the gateway's books never delay those that a buyer waits for.
  `select due.gateway, due.event_id, due.about, due.checkout_id
   from (values ('payment', $1::int), ('money_back', $2::int), ('dispute', $2::int)) as kind (about, most)
   cross join lateral (
     select gateway, event_id, about, checkout_id from holdfast.webhooks
     where about = kind.about and look_at <= now() and handled_at is null and checkout_id is not null
     order by look_at limit kind.most) as due`,
)
const postponeWebhooks = statement(
  'postpone_webhooks',
  `update holdfast.webhooks as webhook set looks = webhook.looks + 1, look_at = ${nextAttempt('webhook')}
   from ${lockedInOrder('and open.look_at <= now()')} where webhook.ctid = locked.place
   returning webhook.gateway, webhook.event_id, webhook.about, webhook.checkout_id`,
)
const handleWebhook = statement(
  'handle_webhooks',
  `update holdfast.webhooks as webhook set handled_at = now()
   from ${lockedInOrder('')} where webhook.ctid = locked.place`,
)

const noteReason = statement(
  'note_why_webhook_waits',
  `update holdfast.webhooks set last_error = $3 where gateway = $1 and event_id = $2 and handled_at is null`,
)
const reasonMax = 500

export interface StoredWebhook {
  gateway: string
  event_id: string
  about: NonNullable<WebhookEvent['about']>
  checkout_id: string
}

/** Verifies and stores a webhook. Returns null if its signature is invalid. */
export async function storeWebhook(
  db: Database,
  gateway: PaymentGateway,
  headers: Headers,
  rawBody: string,
): Promise<WebhookEvent | null> {
  const event = (await gateway.verifyWebhook?.(headers, rawBody)) ?? null
  if (event === null) return null
  const { id, type, about = 'payment', checkoutId, reference, payload } = event
  const namedId = checkoutId !== null && isUuid(checkoutId) ? checkoutId : null
  await db.query(insertWebhook, [gateway.name, id, type, about, namedId, reference, storableJson(payload)])
  return event
}

/**
 * Matches up to `limit` due webhooks without a checkout, then returns due webhooks that have one: up to `limit` about
 * payments, and up to `booksLimit` of each kind that needs the gateway's books.
 */
export async function openWebhooks(db: Database, limit: number, booksLimit: number): Promise<StoredWebhook[]> {
  const [unmatched] = await db.query<{ due: boolean }>(isUnmatchedDue)
  if (unmatched?.due === true) await db.query(matchWebhooks, [limit])
  return db.query<StoredWebhook>(readOpenWebhooks, [limit, booksLimit])
}

/** Postpones webhooks, so that only one process works on each. Returns those that this process obtained. */
export async function leaseWebhooks(db: Database, webhooks: readonly StoredWebhook[]): Promise<StoredWebhook[]> {
  return webhooks.length === 0 ? [] : db.query<StoredWebhook>(postponeWebhooks, [namesOf(webhooks)])
}

export async function markHandled(db: Database, webhooks: readonly StoredWebhook[]): Promise<void> {
  if (webhooks.length > 0) await db.query(handleWebhook, [namesOf(webhooks)])
}

/** Stores for operators why a webhook could not be processed yet. */
export async function recordWaitReason(
  db: Database,
  { gateway, event_id }: StoredWebhook,
  reason: string,
): Promise<void> {
  const text = reason.replaceAll('\0', '').slice(0, reasonMax)
  await db.query(noteReason, [gateway, event_id, text])
}

function namesOf(webhooks: readonly StoredWebhook[]): string {
  return JSON.stringify(webhooks.map(({ gateway, event_id }) => ({ gateway, event_id })))
}
