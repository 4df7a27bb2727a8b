/** The operator's view of received webhooks: list, retry, dismiss. The payload of a webhook is never returned. */
import { type Database, type Statement, statement, type Value } from '../../database/database.ts'
import { checkKnownName } from '../../domain/known-names.ts'

/** A webhook's key: the gateway's name and the gateway's ID of the event. */
export interface WebhookKey {
  gateway: string
  eventId: string
}

/** Times are ISO 8601 UTC. */
export interface WebhookRow extends WebhookKey {
  type: string
  /** The matching checkout; null if none matches. */
  checkoutId: string | null
  /** `given_up`: no further attempt. `waiting`: another attempt follows. `done`: processed or dismissed. */
  state: 'given_up' | 'waiting' | 'done'
  receivedAt: string
  /** Attempts since the webhook was received or last retried by an operator. */
  attempts: number
  /** The time of the next attempt; null unless the webhook is waiting. */
  nextAt: string | null
  /** Why the last attempt failed, if known. */
  lastReason: string | null
}

export interface WebhookFilter {
  /** Default: `given_up`, then `waiting`. */
  state?: WebhookRow['state'] | undefined
  gateway?: string | undefined
  type?: string | undefined
  checkoutId?: string | undefined
  /** True: only webhooks with a matching checkout. Default false. */
  ours?: boolean | undefined
  /** 1 to 1,000; default 100. */
  countMax?: number | undefined
}

export interface WebhookActor {
  /** The operator, recorded in `admin_actions`. Null or undefined: the action is not recorded. */
  actor?: string | null | undefined
}

export interface WebhookInbox {
  /**
   * Lists webhooks: given up before waiting, those with a checkout first, the oldest first. Processed webhooks are sorted
   * by time of processing, the newest first.
   */
  list(filter?: WebhookFilter): Promise<WebhookRow[]>
  /**
   * Checks a name before it is used as a filter.
   * @throws {CheckoutError} `invalid_argument`, with the known names, if this process has no such gateway and no webhook is
   * from it.
   */
  checkGateway(name: string): Promise<void>
  /** Returns one webhook, or null. */
  find(key: WebhookKey): Promise<WebhookRow | null>
  /** Retries a webhook now, and for three days as if it had just arrived. False if it does not exist or is done. */
  retry(key: WebhookKey, by?: WebhookActor): Promise<boolean>
  /** Retries all webhooks that were given up. Returns how many. */
  retryGivenUp(options?: Pick<WebhookFilter, 'gateway' | 'ours'> & WebhookActor): Promise<number>
  /** Dismisses a webhook without processing it. False if it does not exist or is done. */
  dismiss(key: WebhookKey, by?: WebhookActor): Promise<boolean>
  /** Dismisses all webhooks that were given up and match no checkout. Returns how many. */
  dismissUnmatched(options?: Pick<WebhookFilter, 'gateway'> & WebhookActor): Promise<number>
}

/** Maximum length of a list. */
const listedMax = 1_000
/** Maximum number of webhooks per statement, and of statements. */
const changedMax = 1_000
const roundsMax = 1_000

const columns = `webhook.gateway, webhook.event_id as "eventId", webhook.type, webhook.checkout_id as "checkoutId",
  case when webhook.handled_at is not null then 'done' when webhook.look_at is null then 'given_up' else 'waiting' end as state,
  webhook.received_at as "receivedAt", webhook.looks as attempts,
  case when webhook.handled_at is null then webhook.look_at end as "nextAt",
  case when webhook.handled_at is not null then null
    when webhook.checkout_id is not null then webhook.last_error
    when webhook.named_id is not null then 'checkout ' || webhook.named_id || ' does not exist'
    else 'no checkout has payment ' || left(webhook.reference, 200) end as "lastReason"`

const isGivenUp = 'webhook.handled_at is null and webhook.look_at is null'
const isWaiting = 'webhook.handled_at is null and webhook.look_at is not null'
const isWanted = `($1::text is null or webhook.gateway = $1) and ($2::text is null or webhook.type = $2)
     and ($3::uuid is null or webhook.checkout_id = $3::uuid) and ($4::boolean is not true or webhook.checkout_id is not null)`

const read = (condition: string, order: string) =>
  `select ${columns} from holdfast.webhooks webhook where ${condition} and ${isWanted} order by ${order} limit $5::int`
const oursFirst = '(webhook.checkout_id is null), webhook.received_at'
const listStatements: Readonly<Record<WebhookRow['state'], Statement>> = {
  given_up: statement('webhooks_list_given_up', read(isGivenUp, oursFirst)),
  // Two halves, because each has a partial index of its own.
  waiting: statement(
    'webhooks_list_waiting',
    `select * from (
       (${read(`${isWaiting} and webhook.checkout_id is not null`, 'webhook.received_at')})
       union all
       (${read(`${isWaiting} and webhook.checkout_id is null`, 'webhook.received_at')})) as waiting
     order by "checkoutId" is null, "receivedAt" limit $5::int`,
  ),
  done: statement('webhooks_list_done', read('webhook.handled_at is not null', 'webhook.handled_at desc')),
}
const oneStatement = statement(
  'webhooks_read_one',
  `select ${columns} from holdfast.webhooks webhook where webhook.gateway = $1 and webhook.event_id = $2`,
)

/** SQL that records who made a change, in the same statement. Records nothing if `actor` is null. */
const recorded = (
  action: string,
  actor: string,
) => `insert into holdfast.admin_actions (id, action, checkout_id, actor, details)
     select gen_random_uuid(), '${action}', checkout_id, ${actor},
       jsonb_build_object('gateway', gateway, 'eventId', event_id, 'type', type)
     from changed where ${actor} is not null`

const retried = 'look_at = now(), retried_at = now(), looks = 0'
const dismissed = 'handled_at = now()'

const changeOne = (change: string, action: string) => `with changed as (
     update holdfast.webhooks set ${change} where gateway = $1 and event_id = $2 and handled_at is null
     returning gateway, event_id, type, checkout_id
   ), recorded as (${recorded(action, '$3::text')})
   select event_id from changed`
// Skips rows that another process has locked, so a change of many webhooks never waits.
const changeGivenUp = (change: string, action: string, condition: string) => `with changed as (
     update holdfast.webhooks set ${change} where ctid = any(array(
       select webhook.ctid from holdfast.webhooks webhook
       where ${isGivenUp} and ($1::text is null or webhook.gateway = $1) and ${condition}
       order by ${oursFirst} limit ${changedMax} for update skip locked))
     returning gateway, event_id, type, checkout_id
   ), recorded as (${recorded(action, '$2::text')})
   select count(*) as count from changed`

const retryOne = statement('retry_webhook', changeOne(retried, 'retry_webhook'))
const dismissOne = statement('dismiss_webhook', changeOne(dismissed, 'dismiss_webhook'))
const retryAll = statement(
  'retry_webhooks_given_up',
  changeGivenUp(retried, 'retry_webhook', '($3::boolean is not true or webhook.checkout_id is not null)'),
)
const dismissAll = statement(
  'dismiss_webhooks_given_up',
  changeGivenUp(dismissed, 'dismiss_webhook', 'webhook.checkout_id is null'),
)

const gatewaysStatement = statement('webhooks_gateway_names', 'select distinct gateway from holdfast.webhooks')

/**
 * @param redact removes secrets from a reason, which can quote a gateway's error
 * @param gateways the names of this process's gateways
 */
export function createWebhookInbox(
  db: Database,
  redact: (reason: string) => string,
  gateways: readonly string[],
): WebhookInbox {
  const shown = (row: WebhookRow): WebhookRow => ({
    ...row,
    lastReason: row.lastReason === null ? null : redact(row.lastReason),
  })

  const changed = async (one: Statement, { gateway, eventId }: WebhookKey, { actor = null }: WebhookActor) =>
    (await db.query(one, [gateway, eventId, actor])).length > 0

  async function changedAll(all: Statement, values: readonly Value[]): Promise<number> {
    let total = 0
    for (let round = 0; round < roundsMax; round += 1) {
      const [done] = await db.query<{ count: number }>(all, values)
      const count = done?.count ?? 0
      total += count
      if (count < changedMax) break
    }
    return total
  }

  return {
    async list({ state, gateway = null, type = null, checkoutId = null, ours = false, countMax = 100 } = {}) {
      const states = state === undefined ? (['given_up', 'waiting'] as const) : [state]
      const rows: WebhookRow[] = []
      for (const each of states) {
        const left = Math.min(listedMax, Math.max(1, countMax)) - rows.length
        if (left === 0) break
        const values = [gateway, type, checkoutId, ours, left]
        rows.push(...(await db.query<WebhookRow>(listStatements[each], values)))
      }
      return rows.map(shown)
    },
    async checkGateway(name) {
      if (gateways.includes(name)) return
      const stored = await db.query<{ gateway: string }>(gatewaysStatement)
      checkKnownName('gateway', name, [...gateways, ...stored.map(({ gateway }) => gateway)])
    },
    async find({ gateway, eventId }) {
      const [row] = await db.query<WebhookRow>(oneStatement, [gateway, eventId])
      return row === undefined ? null : shown(row)
    },
    retry: (key, by = {}) => changed(retryOne, key, by),
    retryGivenUp: ({ gateway = null, ours = false, actor = null } = {}) => changedAll(retryAll, [gateway, actor, ours]),
    dismiss: (key, by = {}) => changed(dismissOne, key, by),
    dismissUnmatched: ({ gateway = null, actor = null } = {}) => changedAll(dismissAll, [gateway, actor]),
  }
}
