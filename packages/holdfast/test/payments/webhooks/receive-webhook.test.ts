/** Processes that mark the same webhooks as processed in different orders wait for each other without a deadlock. */
import { expect, test } from 'vitest'
import { markHandled, type StoredWebhook } from '../../../src/payments/webhooks/receive-webhook.ts'
import { describeStore } from '../../support/test-store.ts'

describeStore(
  'Webhooks that several processes mark as processed at once',
  store => {
    test('every process succeeds, and no process gets a deadlock', async () => {
      for (let round = 0; round < 20; round += 1) {
        const rows = await store.sql<StoredWebhook>(
          `insert into holdfast.webhooks (gateway, event_id, type, about, payload)
           select 'sandbox', gen_random_uuid()::text, 'test', 'payment', '{}' from generate_series(1, 60)
           returning gateway, event_id, about, checkout_id`,
        )
        const orders = [rows, rows.toReversed(), rows.slice(30).concat(rows.slice(0, 30)), rows]
        const handled = await Promise.allSettled(orders.map(order => markHandled(store.database, order)))
        expect(handled.map(({ status }) => status)).toEqual(orders.map(() => 'fulfilled'))
      }
      expect(await store.sql(`select 1 from holdfast.webhooks where type = 'test' and handled_at is null`)).toEqual([])
    })
  },
  ['postgres'],
)
