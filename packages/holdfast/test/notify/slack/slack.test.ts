/** The content of Slack messages, their limits, and the handling of Slack's answers. */
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { CheckoutEvent } from '../../../src/domain/events.ts'
import type { Failure } from '../../../src/domain/failure.ts'
import type { CheckoutLock } from '../../../src/domain/lock.ts'
import type { DeliveryContext, ListenerObject } from '../../../src/events/listeners.ts'
import { PermanentFailure } from '../../../src/events/permanent-failure.ts'
import { createSlackListeners, type SlackOptions } from '../../../src/notify/slack/slack.ts'
import { faultsOf, openSlackEndpoint, wordsOf } from './slack-endpoint.ts'

const lockId = '01939b1c-0000-7000-8000-000000000001'
const lock: CheckoutLock = {
  id: lockId,
  cartId: 'cart-1',
  sessionId: 'session-of-ada',
  userId: 'ada@example.com',
  state: 'failed',
  phase: 'payment_authorization',
  failure: null,
  lockedAt: '2026-11-24T10:00:00.000Z',
  expiresAt: '2026-11-24T10:15:00.000Z',
  completedAt: null,
  failedAt: '2026-11-24T10:00:05.000Z',
  metadata: { note: 'from ada@example.com' },
}
const declined: Failure = {
  phase: 'payment_authorization',
  code: 'payment_declined',
  message: 'The payment was declined: insufficient funds.',
  context: { reason: 'insufficient_funds', email: 'ada@example.com' },
  retryable: true,
}

function failed(failure: Partial<Failure> = {}, about: Partial<CheckoutLock> = {}): CheckoutEvent<'CheckoutFailed'> {
  return {
    id: 'event-1',
    type: 'CheckoutFailed',
    occurredAt: '2026-11-24T10:00:05.000Z',
    lock: { ...lock, ...about },
    failure: { ...declined, ...failure },
  }
}

describe('Slack', () => {
  let endpoint: Awaited<ReturnType<typeof openSlackEndpoint>>
  beforeAll(async () => {
    endpoint = await openSlackEndpoint()
  })
  afterAll(() => endpoint.close())
  afterEach(() => {
    endpoint.answer = null
    endpoint.received.length = 0
  })

  const open = (options: Partial<SlackOptions> = {}) =>
    createSlackListeners({ webhookUrl: endpoint.url, shopName: 'Lamps & Co', windowMs: 0, ...options })

  function deliver(
    event: CheckoutEvent<'CheckoutFailed'>,
    slack = open(),
    context: Partial<DeliveryContext> = {},
  ): Promise<unknown> {
    const [listener] = slack.listeners.CheckoutFailed as [ListenerObject<'CheckoutFailed'>]
    return Promise.resolve(listener.run(event, { signal: new AbortController().signal, attempt: 1, ...context }))
  }

  test('says what failed, where, why and when, and links to the console and the command', async () => {
    const slack = open({ baseUrl: 'https://shop.example/', locale: 'de-CH', timeZone: 'Europe/Zurich' })
    await deliver(failed({}, { metadata: { payment_authorization: { amount: 123_456, currency: 'CHF' } } }), slack)
    const [message] = endpoint.received
    expect(message).toMatchSnapshot()
  })

  test('has no links if the shop has no address', async () => {
    await deliver(failed())
    expect(wordsOf(endpoint.received[0] as never)).not.toMatch(/<http|\|/)
  })

  test('contains nothing about the buyer', async () => {
    await deliver(failed())
    expect(JSON.stringify(endpoint.received)).not.toMatch(/ada|example\.com|session/)
  })

  test('texts of others cannot notify a channel, forge a link or add a line', async () => {
    const message = '"<!channel> <@U1> @here & <https://evil.example|click>\n\n*`x`*\u202e" is no longer sold.'
    await deliver(failed({ message, context: { sku: '`<!everyone>`\n@channel' } }))
    const words = wordsOf(endpoint.received[0] as never)
    expect(words).not.toMatch(/<!|<@|<http|@here|@channel|\u202e|\n\n/)
    expect(words).toContain('&lt;!channel&gt;')
    // Slack must not detect mentions and addresses by itself.
    const texts = endpoint.received[0]?.blocks.flatMap(block => [block.text, ...(block.fields ?? [])]) ?? []
    for (const text of texts) {
      if ((text as { type?: string } | undefined)?.type === 'mrkdwn') expect(text).toMatchObject({ verbatim: true })
    }
  })

  test('stays within Slack’s limits for any texts and any number of events', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 50 }),
      fc.constant('&'.repeat(5_000)),
      fc.constant('😀<'.repeat(3_000)),
      fc.constant('😀'.repeat(3_000)),
    )
    const event = fc
      .record({ message: text, sku: text, amount: fc.nat() })
      .map(({ message, sku, amount }) =>
        failed(
          { message, context: { sku, requested: 2, available: 1, reason: sku } },
          { metadata: { payment_authorization: { amount, currency: 'USD' } } },
        ),
      )
    const { endedMessage, alertMessage } = await import('../../../src/notify/slack/messages.ts')
    const { createShopLocale } = await import('../../../src/notify/shop-locale.ts')
    const { en: copy } = await import('../../../src/notify/slack/copy/en.ts')
    const shop = { name: '&'.repeat(70), baseUrl: 'https://shop.example', locale: createShopLocale('en', 'UTC'), copy }
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 40 }), events => {
        expect(faultsOf(endedMessage(events, 'failed', shop) as never)).toEqual([])
        expect(faultsOf(endedMessage(events, 'expired', shop) as never)).toEqual([])
        const alerts = events.map(({ failure: { message } }) => ({
          code: 'delivery_parked' as const,
          message,
          lockId,
          context: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${message}${index}`, message])),
        }))
        expect(faultsOf(alertMessage(alerts, shop) as never)).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  test('ignores a malformed amount in the metadata of the lock', async () => {
    await deliver(failed({}, { metadata: { payment_authorization: { amount: '<!channel>', currency: 'nothing' } } }))
    expect(wordsOf(endpoint.received[0] as never)).not.toContain('Amount')
  })

  test('does not report expired and cancelled checkouts as failures', async () => {
    for (const code of ['checkout_expired', 'checkout_cancelled', 'checkout_released'] as const)
      await deliver(failed({ code }))
    expect(endpoint.received).toEqual([])
    expect(open().listeners.CheckoutExpired).toBeUndefined()
    expect(open({ notifyOnFailure: false }).listeners.CheckoutFailed).toBeUndefined()
  })

  test('reports expired checkouts if enabled, and disputes always', async () => {
    const { listeners } = open({ notifyOnExpiration: true, notifyOnFailure: false })
    const context = { signal: new AbortController().signal, attempt: 1 }
    const [expiry] = listeners.CheckoutExpired as [ListenerObject<'CheckoutExpired'>]
    await expiry.run({ ...failed({ code: 'checkout_expired', phase: null }), type: 'CheckoutExpired' }, context)
    const [dispute] = listeners.OrderDisputed as [ListenerObject<'OrderDisputed'>]
    const order = { number: '100001', currency: 'USD', email: 'ada@example.com' }
    await dispute.run(
      {
        ...failed(),
        type: 'OrderDisputed',
        order: order as CheckoutEvent<'OrderDisputed'>['order'],
        dispute: { id: 'dp_1', status: 'needs_response', reason: 'fraudulent', amount: 4_990 },
      },
      context,
    )
    const [expired, disputed] = endpoint.received.map(wordsOf)
    expect(expired).toContain('Checkout expired')
    expect(disputed).toContain('100001')
    expect(disputed).toContain('$49.90')
    expect(disputed).not.toContain('ada')
  })

  test.each([
    ['an error of Slack', 500, 'oops https://hooks.slack.com/services/T/B/x', 'Slack answered 500'],
    ['a webhook that was revoked', 404, 'no_service', 'Slack answered 404 (no_service)'],
    ['a redirect', 302, '', 'could not reach Slack'],
  ])('fails the delivery on %s', async (_, status, body, message) => {
    endpoint.answer = response => response.writeHead(status, { location: '/elsewhere' }).end(body)
    await expect(deliver(failed())).rejects.toThrow(new Error(message))
  })

  test.each([
    [400, 'invalid_payload', true],
    [404, 'channel_not_found', true],
    [410, 'channel_is_archived', true],
    [403, 'action_prohibited', false],
    [404, 'no_service', false],
    [403, 'invalid_token', false],
    [400, 'invalid_payload of a proxy', false],
    [404, '', false],
    [500, 'rollup_error', false],
    [503, 'invalid_payload', false],
  ])('%i %s is a permanent failure: %s', async (status, body, isPermanent) => {
    endpoint.answer = response => response.writeHead(status).end(body)
    const error = await deliver(failed()).catch((thrown: unknown) => thrown)
    expect((error as Error).message).toContain(`Slack answered ${status}`)
    expect(error instanceof PermanentFailure).toBe(isPermanent)
  })

  test('pauses for as long as Slack asks after a 429, and fails deliveries until then', async () => {
    const slack = open()
    endpoint.answer = response => response.writeHead(429, { 'retry-after': '30' }).end('rate_limited')
    const refused = await deliver(failed(), slack).catch((error: unknown) => error)
    expect(refused).toMatchObject({ message: 'Slack answered 429 (rate_limited)', retryAfterMs: expect.any(Number) })
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(20_000)
    const { requests } = endpoint
    endpoint.answer = null
    await expect(deliver(failed(), slack)).rejects.toThrow('Slack rate limit: 30 seconds left')
    expect(endpoint.requests).toBe(requests)
  })

  test('aborts a message without an answer in time, and one whose delivery is aborted', async () => {
    const hanging: { destroy(): void }[] = []
    endpoint.answer = response => void hanging.push(response)
    await expect(deliver(failed(), open({ timeoutMs: 50 }))).rejects.toThrow('Slack did not answer within 50 ms')
    // Headers arrive, the rest never does.
    endpoint.answer = response => response.writeHead(200).write('o')
    await expect(deliver(failed(), open({ timeoutMs: 50 }))).rejects.toThrow('Slack did not answer within 50 ms')
    const stop = new AbortController()
    endpoint.answer = response => {
      hanging.push(response)
      stop.abort(new Error('the process stopped'))
    }
    await expect(deliver(failed(), open(), { signal: stop.signal })).rejects.toThrow('the process stopped')
    for (const each of hanging) each.destroy()
  })

  test('never shows the address of the webhook in an error', async () => {
    const closed = await openSlackEndpoint()
    await closed.close()
    const throwing: typeof fetch = async url => {
      throw new TypeError(`Failed to parse URL from ${url}`, {
        cause: Object.assign(new Error(`${url}`), { input: url }),
      })
    }
    const tries = [
      () => deliver(failed(), open({ webhookUrl: closed.url })),
      () => deliver(failed(), open({ webhookUrl: 'http://nowhere.invalid/services/secret' })),
      () => deliver(failed(), open({ fetch: throwing })),
      () => open({ webhookUrl: 'hooks.slack.com/services/T/B/secret' }).alert([], new AbortController().signal),
      () => open({ webhookUrl: 'file:///services/secret' }).alert([], new AbortController().signal),
    ]
    const errors: unknown[] = []
    for (const attempt of tries) await (async () => attempt())().catch(error => errors.push(error))
    expect(errors.map(error => (error as Error).message)).toEqual([
      'could not reach Slack (ECONNREFUSED)',
      expect.stringMatching(/^could not reach Slack \((ENOTFOUND|EAI_AGAIN)\)$/),
      'could not reach Slack',
      expect.stringContaining('invalid webhookUrl'),
      expect.stringContaining('invalid webhookUrl'),
    ])
    expect(inspect(errors, { depth: 10, showHidden: true })).not.toMatch(/secret|hooks\.slack|services|127\.0\.0\.1/i)
  })
})
