/** The configuration selects the notification channels, and closing a shop sends batched messages. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { seedDemo } from '../../../storefront/src/demo/seed-demo.ts'
import { defaultConfig } from '../../src/config/config.ts'
import { statement } from '../../src/database/database.ts'
import { createListeners } from '../../src/events/listeners.ts'
import { silentLog } from '../../src/observe/log/log.ts'
import { createShop } from '../../src/shop/create-shop.ts'
import { openNotifications } from '../../src/shop/open-notifications.ts'
import { openSlackEndpoint, wordsOf } from '../notify/slack/slack-endpoint.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'

const secret = 'a secret of more than thirty-two characters'

describe('a shop with a Slack webhook', () => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-notifications-'))
  let store: TestDatabase
  let endpoint: Awaited<ReturnType<typeof openSlackEndpoint>>
  beforeAll(async () => {
    store = await openTestDatabase('postgres', { poolMax: 4 })
    endpoint = await openSlackEndpoint()
  })
  afterAll(async () => {
    await endpoint.close()
    await store.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  beforeEach(() => {
    endpoint.received.length = 0
  })

  const config = (more: Partial<typeof defaultConfig> = {}) => ({
    ...defaultConfig,
    shopName: 'Lamps',
    baseUrl: 'https://shop.example',
    slackWebhookUrl: endpoint.url,
    ...more,
  })

  test('Slack listens for failures and expiries only if enabled, and for disputes always', async () => {
    const names = async (more: Partial<typeof defaultConfig>) => {
      const { listeners, close } = await openNotifications(config(more), silentLog, null)
      await close()
      return createListeners(listeners)
        .all()
        .map(({ name }) => name)
    }
    expect(await names({})).toEqual(['slack.dispute'])
    expect(await names({ slackWebhookUrl: null, notifyOnFailure: true })).toEqual([])
    expect(await names({ notifyOnFailure: true, notifyOnExpiration: true })).toEqual([
      'slack.checkout-failure',
      'slack.checkout-expiry',
      'slack.dispute',
    ])
  })

  test('the first failure is sent at once, and closing the shop sends the batched rest without waiting', async () => {
    const shop = await createShop({
      database: store.database,
      config: { ...config({ notifyOnFailure: true }), secret },
      log: silentLog,
      mailDirectory: null,
    })
    await seedDemo(store.database)
    const [variant] = await store.database.query<{ sku: string }>(
      statement('notifications_test_sku', 'select sku from holdfast.variants order by sku limit 1'),
    )
    const lines = [{ sku: variant?.sku ?? '', quantity: 1 }]
    const fail = async (session: string) => {
      const cartId = await shop.carts.createCart({ sessionId: session, lines })
      const lock = await shop.engine.startCheckout(cartId, { sessionId: session })
      const outcome = await shop.engine.processCheckout(lock.id, { token: 'tok_approve' })
      expect(outcome.status).toBe('failed')
      return lock.id
    }
    const first = await fail('one')
    await expect.poll(() => endpoint.received.length, { timeout: 5_000 }).toBe(1)
    const rest = [await fail('two'), await fail('three')]
    await expect
      .poll(async () => (await shop.engine.diagnose(rest[1] ?? ''))?.deliveries[0]?.attempts, { timeout: 5_000 })
      .toBe(1)
    await shop.close()
    const [single, batched] = endpoint.received.map(wordsOf)
    expect(single).toContain(`<https://shop.example/admin/checkout-locks/${first}|${first}>`)
    expect(batched).toContain('2 checkouts failed')
    for (const lockId of rest) expect(batched).toContain(lockId)
  })

  test('an alert is sent by Slack and by mail', async () => {
    const notifications = await openNotifications(
      config({ notificationEmail: 'owner@shop.example' }),
      silentLog,
      join(directory, 'mail'),
    )
    notifications.onAlert({
      code: 'outcome_unknown',
      message: 'capture outcome unknown for too long',
      lockId: '01939b1c-0000-7000-8000-000000000001',
      context: {},
    })
    await expect.poll(() => endpoint.received.length).toBe(1)
    await expect.poll(() => notifications.keptMails?.list()).toHaveLength(1)
    await notifications.flush()
    await notifications.close()
    expect(wordsOf(endpoint.received[0] as never)).toContain('capture outcome unknown for too long')
    expect(await notifications.keptMails?.list()).toMatchObject([
      {
        to: expect.stringContaining('owner@shop.example'),
        subject: 'Action needed: capture outcome unknown for too long',
        text: expect.stringContaining('holdfast diagnose --lock 01939b1c-0000-7000-8000-000000000001'),
      },
    ])
  })
})
