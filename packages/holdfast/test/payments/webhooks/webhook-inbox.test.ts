/** Webhooks that were given up: listed with their reason, retried or dismissed. Processed webhooks are deleted later. */
import { expect, test } from 'vitest'
import { defaultConfig } from '../../../src/config/config.ts'
import { statement } from '../../../src/database/database.ts'
import { createWebhookPruner } from '../../../src/saga/workers/webhook-pruner.ts'
import { describeStore, type TestStore } from '../../support/test-store.ts'

/** The gateway sends a webhook of this type. */
async function send(store: TestStore, type: string, data: Record<string, unknown>, to = store.engine) {
  store.webhooks.to = to
  await store.sql(
    `insert into holdfast_sandbox.jobs (id, kind, payment_id, payload, due_at)
     values (gen_random_uuid(), 'webhook', 'none', $1::jsonb, now() - interval '1 minute')`,
    [JSON.stringify({ type, data })],
  )
  await store.pass(1)
  await to.recover()
}

/** Lets three days pass and makes one more attempt. */
async function giveUp(store: TestStore, type: string, by = store.engine) {
  await store.sql(
    `update holdfast.webhooks set look_at = now(), received_at = received_at - interval '73 hours',
       retried_at = retried_at - interval '73 hours' where type = $1`,
    [type],
  )
  await by.recover()
}

/** Inserts `count` webhooks of one type that were given up. */
const insert = (store: TestStore, type: string, count: number, checkoutId: string | null = null) =>
  store.sql(
    `insert into holdfast.webhooks (gateway, event_id, type, about, checkout_id, reference, payload, received_at, look_at)
     select 'sandbox', $1 || '-' || n, $1, 'money_back', $3::uuid, 'other ' || n, '{"secret": "canary"}',
       now() - interval '4 days' + n * interval '1 second', null
     from generate_series(1, $2::int) n`,
    [type, count, checkoutId],
  )
const clear = (store: TestStore) => store.sql('delete from holdfast.webhooks')
const actions = (store: TestStore, action: string) =>
  store.sql<{ actor: string; lock: string | null; details: unknown }>(
    'select actor, checkout_id as lock, details from holdfast.admin_actions where action = $1 order by at, id',
    [action],
  )

describeStore(
  'The webhook inbox',
  store => {
    test('a webhook that was given up shows its reason, and a retry processes it and is recorded', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token: 'tok_approve' })
      const blind = await store.open({
        gateway: { ...store.gateway, inspect: () => Promise.reject(new Error('refused: api_key=sk_live_0123456789')) },
      })
      await send(store, 'refund.blind', { checkout_id: lockId }, blind)
      expect(await blind.webhooks.list({ type: 'refund.blind' })).toMatchObject([{ state: 'waiting', attempts: 1 }])
      await giveUp(store, 'refund.blind', blind)
      const [given] = await store.engine.webhooks.list({ state: 'given_up', ours: true })
      expect(given).toMatchObject({ type: 'refund.blind', checkoutId: lockId, attempts: 2, nextAt: null })
      // The reason quotes the gateway's error, with the secret removed.
      expect(given?.lastReason).toBe('Error: refused: api_key=[removed]')
      const key = { gateway: 'sandbox', eventId: given?.eventId ?? '' }
      expect(await store.engine.webhooks.retry(key, { actor: 'ada' })).toBe(true)
      await store.engine.recover()
      expect(await store.engine.webhooks.find(key)).toMatchObject({ state: 'done', lastReason: null })
      // A processed webhook cannot be retried.
      expect(await store.engine.webhooks.retry(key, { actor: 'ada' })).toBe(false)
      expect(await actions(store, 'retry_webhook')).toEqual([
        { actor: 'ada', lock: lockId, details: { ...key, type: 'refund.blind' } },
      ])
      await clear(store)
    })

    test('a retried webhook that matches no checkout is tried for three more days', async () => {
      const type = 'payment.unknown'
      await send(store, type, { reference: 'pay_unknown' })
      await giveUp(store, type)
      const [given] = await store.engine.webhooks.list()
      expect(given).toMatchObject({
        state: 'given_up',
        checkoutId: null,
        lastReason: 'no checkout has payment pay_unknown',
      })
      expect(await store.engine.webhooks.retryGivenUp()).toBe(1)
      await store.engine.recover()
      expect(await store.engine.webhooks.list()).toMatchObject([{ state: 'waiting', attempts: 1 }])
      // The payment is stored only now, as after restoring a backup.
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token: 'tok_approve' })
      await store.sql('update holdfast.webhooks set reference = $1, look_at = now() where type = $2', [
        `sbx_${lockId}:authorize:1`,
        type,
      ])
      await store.engine.recover()
      expect(await store.engine.webhooks.list({ state: 'done' })).toMatchObject([{ type, checkoutId: lockId }])
      await send(store, 'payment.never', { reference: 'pay_never' })
      await giveUp(store, 'payment.never')
      await store.engine.webhooks.retryGivenUp()
      await giveUp(store, 'payment.never')
      expect(await store.engine.webhooks.list()).toMatchObject([{ state: 'given_up' }])
      await clear(store)
    })

    test('a list has matched before unmatched and given up before waiting webhooks, and no payloads', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await insert(store, 'other', 3)
      await insert(store, 'ours', 2, lockId)
      await insert(store, 'early', 1)
      await store.sql(`update holdfast.webhooks set look_at = now() + interval '1 hour' where type = 'early'`)
      const { webhooks } = store.engine
      const rows = await webhooks.list()
      expect(rows.map(row => row.eventId)).toEqual(['ours-1', 'ours-2', 'other-1', 'other-2', 'other-3', 'early-1'])
      expect(JSON.stringify(rows)).not.toContain('canary')
      expect((await webhooks.list({ countMax: 3 })).map(row => row.eventId)).toEqual(['ours-1', 'ours-2', 'other-1'])
      expect(await webhooks.list({ checkoutId: lockId })).toHaveLength(2)
      expect(await webhooks.list({ state: 'waiting' })).toMatchObject([{ eventId: 'early-1' }])
      expect(await webhooks.list({ gateway: 'stripe' })).toEqual([])
      expect(await webhooks.find({ gateway: 'stripe', eventId: 'ours-1' })).toBeNull()
      await clear(store)
    })

    test('thousands of webhooks are retried or dismissed, each once, and each is recorded', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await insert(store, 'stranger', 2_300)
      await insert(store, 'held', 2, lockId)
      const { webhooks } = store.engine
      expect(await webhooks.retryGivenUp({ gateway: 'stripe', actor: 'ada' })).toBe(0)
      expect(await webhooks.retryGivenUp({ ours: true, actor: 'ada' })).toBe(2)
      expect(await webhooks.dismiss({ gateway: 'sandbox', eventId: 'stranger-1' }, { actor: 'ada' })).toBe(true)
      expect(await webhooks.dismissUnmatched({ actor: 'ada' })).toBe(2_299)
      expect(await webhooks.list({ state: 'given_up' })).toEqual([])
      expect(await webhooks.list({ type: 'held' })).toHaveLength(2)
      expect(await actions(store, 'dismiss_webhook')).toHaveLength(2_300)
      await clear(store)
    })

    test('only webhooks processed before the retention period are deleted, never those that were given up', async () => {
      await insert(store, 'old', 2_300)
      await insert(store, 'young', 1)
      await insert(store, 'lost', 1)
      const days = defaultConfig.webhookRetentionDays
      await store.sql(
        `update holdfast.webhooks set received_at = now() - interval '1 year',
         handled_at = case type when 'lost' then null when 'old' then now() - $1::int * interval '1 day' - interval '1 minute'
           else now() - $1::int * interval '1 day' + interval '1 minute' end`,
        [days],
      )
      expect(await store.engine.pruneWebhooks()).toBe(2_300)
      expect(await store.engine.pruneWebhooks()).toBe(0)
      expect((await store.engine.webhooks.list()).map(row => row.type)).toEqual(['lost'])
      expect((await store.engine.webhooks.list({ state: 'done' })).map(row => row.type)).toEqual(['young'])
      await clear(store)
    })

    test('a repeated webhook is ignored while it is stored, and processed again after it was deleted', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token: 'tok_approve' })
      const before = await store.facts(lockId)
      await send(store, 'refund.again', { checkout_id: lockId })
      const done = () => store.engine.webhooks.list({ state: 'done', type: 'refund.again' })
      expect(await done()).toHaveLength(1)
      await store.sql(`update holdfast.webhooks set handled_at = now() - interval '91 days'`)
      expect(await store.engine.pruneWebhooks()).toBe(1)
      await send(store, 'refund.again', { checkout_id: lockId })
      expect(await done()).toHaveLength(1)
      expect(await store.facts(lockId)).toEqual(before)
      await clear(store)
    })
  },
  ['postgres'],
)

describeStore(
  'Deleting old webhooks',
  store => {
    test('pruning skips locked webhooks, and two processes delete each webhook once', async () => {
      await insert(store, 'shared', 3_000)
      await store.sql(`update holdfast.webhooks set handled_at = now() - interval '200 days'`)
      const other = await store.open({ apart: true })
      const lock = statement(
        'test_lock_webhook',
        `select 1 from holdfast.webhooks where event_id = 'shared-7' for update`,
      )
      await store.database.transaction(async tx => {
        await tx.query(lock)
        const counts = await Promise.all([store.engine.pruneWebhooks(), other.pruneWebhooks()])
        expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(2_999)
      })
      await Promise.all([store.engine.pruneWebhooks(), other.pruneWebhooks()])
      expect(await store.engine.webhooks.list({ state: 'done' })).toEqual([])
    })

    test('the pruner runs at every interval, also after a failed run, until it is stopped', async () => {
      const turns: (() => void)[] = []
      const pauses: number[] = []
      const clock = {
        after(ms: number, run: () => void) {
          pauses.push(ms)
          turns.push(run)
          return () => turns.splice(turns.indexOf(run), 1)
        },
      }
      const logged: string[] = []
      const log = { info() {}, warn() {}, error: (message: string) => logged.push(message) }
      let isAway = false
      const db = {
        ...store.database,
        query: ((...values) =>
          isAway ? Promise.reject(new Error('away')) : store.database.query(...values)) as typeof store.database.query,
      }
      const webhookPruner = createWebhookPruner({ db, clock, log, random: () => 0.5 }, 90)
      const turn = async () => {
        turns.shift()?.()
        await expect.poll(() => turns.length).toBe(1)
      }
      webhookPruner.start(300_000)
      for (const away of [false, true, false]) {
        await insert(store, 'again', 1)
        await store.sql(`update holdfast.webhooks set handled_at = now() - interval '91 days'`)
        isAway = away
        await turn()
        expect(await store.engine.webhooks.list({ state: 'done' })).toHaveLength(away ? 1 : 0)
        if (away) await clear(store)
      }
      expect(logged).toEqual(['[Checkout] could not delete old webhooks'])
      expect(pauses).toEqual([300_000, 300_000, 300_000, 300_000])
      await webhookPruner.stop()
      expect(turns).toEqual([])
    })
  },
  ['postgres'],
)
