/** Mail of real checkouts over a real SMTP server is delivered at least once, for any behaviour of the server. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CheckoutAlert } from '../../../src/domain/alert.ts'
import type { CheckoutEvent } from '../../../src/domain/events.ts'
import { requireOrder } from '../../../src/domain/outcome.ts'
import { createMailListeners, type MailOptions } from '../../../src/notify/mail/mail.ts'
import { refusalOf } from '../../../src/notify/mail/transport.ts'
import { describeStore } from '../../support/test-store.ts'
import { addressesOf, type MailServer, smtpPassword, startMailServer } from './mail-server.ts'

const shop = {
  from: 'shop@example.com',
  shopName: 'Reeperei',
  baseUrl: 'https://shop.example',
  adminEmail: 'harbour@example.com',
}

describeStore(
  'Mail over SMTP',
  store => {
    let server: MailServer
    beforeAll(async () => {
      server = await startMailServer()
    })
    afterAll(() => server.stop())

    /** An engine that sends its mail to the server. */
    async function open(options: Partial<MailOptions> = {}, onAlert: (alert: CheckoutAlert) => void = () => {}) {
      server.received.length = 0
      server.mood = 'takes'
      server.refuses = null
      const mail = createMailListeners({ smtpUrl: server.url, ...shop, windowMs: 1, ...options })
      const engine = await store.open({ listeners: mail.listeners, onAlert })
      return { mail, engine, deliver: () => engine.deliverer.runOnce() }
    }
    const dueNow = () => store.sql(`update holdfast.deliveries set next_at = now() where state = 'due' and not leased`)
    const errors = () =>
      store.sql<{ last_error: string }>(`select last_error from holdfast.deliveries where last_error is not null`)

    test('an order is confirmed to the buyer and reported to the shop, and a refund is confirmed to the buyer', async () => {
      const { engine, mail, deliver } = await open()
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 2 }, { engine })
      const order = requireOrder(await engine.processCheckout(lockId, { token: 'tok_approve', notes: 'Ring twice.' }))
      await deliver()
      const [confirmation, report] = [order.email, shop.adminEmail].map(address =>
        server.received.find(({ recipients }) => recipients.includes(address ?? '')),
      )
      expect(server.received).toHaveLength(2)
      expect(confirmation?.mail.subject).toBe(`Your order ${order.number} at Reeperei`)
      expect(addressesOf(confirmation?.mail.from)).toEqual(['shop@example.com'])
      expect(confirmation?.mail.text).toContain('$25.00')
      expect(confirmation?.mail.html).toContain(`https://shop.example/checkout/confirmation/${order.id}`)
      expect(confirmation?.mail.headers.get('auto-submitted')).toBe('auto-generated')
      expect(confirmation?.mail.date).toBeInstanceOf(Date)
      expect(report?.mail.subject).toBe(`New order ${order.number}: $25.00`)
      expect(report?.mail.text).toContain('> Ring twice.')

      await engine.refundOrder(order.id, { lines: [{ sku, quantity: 1 }] })
      await deliver()
      expect(server.received).toHaveLength(3)
      expect(server.received[2]?.recipients).toEqual([order.email])
      expect(server.received[2]?.mail.text).toContain('We have refunded $10.00.')
      await mail.close()
    })

    test('no mail is sent if notifications are disabled', async () => {
      const { engine, mail, deliver } = await open({ notifyCustomer: false, adminEmail: null })
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token: 'tok_approve' })
      expect(await deliver()).toEqual({ delivered: 0, failed: 0, parked: 0 })
      expect(server.received).toEqual([])
      await mail.close()
    })

    test('failures and expiries are reported to the shop in one email each, and cancellations in none', async () => {
      const { engine, mail, deliver } = await open({ notifyOnFailure: true, notifyOnExpiration: true })
      const sku = await store.article()
      const [declined, expired, cancelled] = [
        await store.begin({ [sku]: 1 }, { engine }),
        await store.begin({ [sku]: 1 }, { engine }),
        await store.begin({ [sku]: 1 }, { engine }),
      ]
      await engine.processCheckout(declined.lockId, { token: 'tok_decline_expired_card' })
      await store.expire(expired.lockId)
      await engine.recover()
      await engine.cancelCheckout(cancelled.lockId)
      await deliver()
      const subjects = server.received.map(({ mail }) => mail.subject).sort()
      expect(subjects).toEqual(['Checkout expired', 'Checkout failed: payment_declined in payment_authorization'])
      expect(server.received.flatMap(({ recipients }) => recipients)).toEqual([shop.adminEmail, shop.adminEmail])
      expect(server.received.map(({ mail }) => mail.text).join()).not.toContain(cancelled.lockId)
      await mail.close()
    })

    test('many failures share two emails, and each delivery waits for its own email', async () => {
      const { engine, mail, deliver } = await open({ notifyOnFailure: true, windowMs: 60_000 })
      const sku = await store.article()
      for (let count = 0; count < 12; count += 1) {
        const { lockId } = await store.begin({ [sku]: 1 }, { engine })
        await engine.processCheckout(lockId, { token: 'tok_decline' })
      }
      const delivering = deliver()
      await expect.poll(() => server.received.length).toBe(1)
      await mail.flush()
      expect(await delivering).toEqual({ delivered: 12, failed: 0, parked: 0 })
      expect(server.received.map(({ mail }) => mail.subject?.split(':')[0]?.split(',')[0])).toEqual([
        'Checkout failed',
        '11 checkouts failed',
      ])
      await mail.close()
    })

    test('an email that is not accepted is retried with the same Message-ID', async () => {
      const { engine, mail, deliver } = await open({ adminEmail: null })
      for (const mood of ['is busy', 'drops'] as const) {
        server.received.length = 0
        server.mood = mood
        const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
        await engine.processCheckout(lockId, { token: 'tok_approve' })
        expect(await deliver(), mood).toEqual({ delivered: 0, failed: 1, parked: 0 })
        server.mood = 'takes'
        await dueNow()
        expect(await deliver(), mood).toEqual({ delivered: 1, failed: 0, parked: 0 })
        expect(server.received).toHaveLength(1)
        const messageId = server.received[0]?.mail.messageId
        const [event] = await store.sql<{ id: string }>(
          `select id from holdfast.events where checkout_id = $1 and type = 'CheckoutCompleted'`,
          [lockId],
        )
        expect(messageId).toBe(`<${event?.id}.confirmation@example.com>`)
      }
      await mail.close()
    })

    test('a delivery survives a server outage, and its error contains no secret, address or content', async () => {
      const gone = await startMailServer()
      const { port } = new URL(gone.url)
      await gone.stop()
      const { engine, mail, deliver } = await open({ smtpUrl: gone.url, adminEmail: null })
      const { lockId, sessionId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token: 'tok_approve' })
      expect(await deliver()).toMatchObject({ failed: 1 })
      const back = await startMailServer(Number(port))
      for (const [mood, counts] of [
        ['refuses recipients', { parked: 1 }],
        ['is busy', { failed: 1 }],
        ['refuses contents', { parked: 1 }],
      ] as const) {
        back.mood = mood
        await dueNow()
        await engine.deliverer.redeliverParked()
        expect(await deliver(), mood).toMatchObject(counts)
        const [found] = await store.sql<{ last_error: string }>(
          `select last_error from holdfast.deliveries where checkout_id = $1`,
          [lockId],
        )
        expect(found?.last_error).toMatch(/5\.1\.1|4\.2\.1|5\.7\.1/)
      }
      await engine.deliverer.redeliverParked()
      back.mood = 'takes'
      await dueNow()
      expect(await deliver()).toMatchObject({ delivered: 1 })
      expect(back.received).toHaveLength(1)
      const written = JSON.stringify(await errors())
      for (const secret of [smtpPassword, encodeURIComponent(smtpPassword), `${sessionId}@`, 'Thank you']) {
        expect(written).not.toContain(secret)
      }
      await mail.close()
      await back.stop()
    })

    test('a permanently rejected mail is parked at once with its reason, and raises an alert', async () => {
      const alerts: CheckoutAlert[] = []
      const { engine, mail, deliver } = await open({ adminEmail: null }, alert => alerts.push(alert))
      for (const [at, code, text, reason] of [
        ['RCPT TO', 550, '5.1.1 no such user', 'permanently rejects the recipient (550 5.1.1 no such user)'],
        ['DATA', 554, '5.6.0 unreadable', 'permanently rejects the email (554 5.6.0)'],
      ] as const) {
        server.refuses = { at, code, text }
        const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
        await engine.processCheckout(lockId, { token: 'tok_approve' })
        expect(await deliver()).toEqual({ delivered: 0, failed: 0, parked: 1 })
        const [delivery] = await engine.deliverer.list({ checkoutId: lockId })
        expect(delivery).toMatchObject({ state: 'parked', attempts: 1, lastError: expect.stringContaining(reason) })
        await expect.poll(() => alerts.at(-1)).toMatchObject({ code: 'delivery_parked', lockId })
      }
      server.refuses = null
      expect(await engine.deliverer.redeliverParked()).toBe(2)
      expect(await deliver()).toEqual({ delivered: 2, failed: 0, parked: 0 })
      await mail.close()
    })

    test.each([
      ['connect', 554, '5.7.1 no service for you'],
      ['MAIL FROM', 530, '5.7.0 authentication required'],
      ['MAIL FROM', 553, '5.1.8 sender not owned by user'],
      ['RCPT TO', 550, '5.7.1 relaying denied'],
      ['RCPT TO', 550, 'relay not permitted'],
      ['RCPT TO', 552, '5.2.2 mailbox full'],
      ['DATA', 550, '5.7.26 this mail is not authenticated'],
      ['DATA', 451, '4.3.0 try later'],
    ] as const)('a failure that can be fixed is retried: %s %i %s', async (at, code, text) => {
      const { engine, mail, deliver } = await open({ adminEmail: null })
      server.refuses = { at, code, text }
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token: 'tok_approve' })
      expect(await deliver()).toEqual({ delivered: 0, failed: 1, parked: 0 })
      server.refuses = null
      await dueNow()
      expect(await deliver()).toEqual({ delivered: 1, failed: 0, parked: 0 })
      await mail.close()
    })

    test('a rejected password is named as the cause but not shown', async () => {
      const wrong = server.url.replace('canary', 'canary-wrong')
      const { engine, mail, deliver } = await open({ smtpUrl: wrong, adminEmail: null })
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token: 'tok_approve' })
      expect(await deliver()).toMatchObject({ failed: 1 })
      const [found] = await store.sql<{ last_error: string }>(
        `select last_error from holdfast.deliveries where checkout_id = $1 and state = 'due'`,
        [lockId],
      )
      expect(found?.last_error).toContain('rejects the user or password of SMTP_URL (535 5.7.8)')
      expect(found?.last_error).not.toContain('canary')
      // Once the password is right, it is delivered.
      const right = await open({ adminEmail: null })
      await dueNow()
      expect(await right.deliver()).toMatchObject({ delivered: 1 })
      await Promise.all([mail.close(), right.mail.close()])
    })

    test('emails contain no card token and no internal data of the shop', async () => {
      const { engine, mail, deliver } = await open({ notifyOnFailure: true })
      const sku = await store.article()
      for (const token of ['tok_approve', 'tok_decline', 'tok_capture_decline']) {
        const { lockId } = await store.begin(
          { [sku]: 1 },
          { engine, start: { metadata: { apiKey: 'canary-metadata' }, userId: 'user-7' } },
        )
        await engine.processCheckout(lockId, { token })
      }
      await deliver()
      await mail.flush()
      expect(server.received.length).toBeGreaterThan(3)
      const everything = server.received.map(({ raw, mail }) => `${raw}${mail.text}${mail.html}`).join('\n')
      expect(everything).not.toMatch(/tok_|canary|authorization_id|sbx_/)
      await mail.close()
    })
  },
  ['postgres'],
)

describe('a server that does not answer', () => {
  const silent = createServer()
  const sockets = new Set<Socket>()
  let port = 0
  beforeAll(async () => {
    silent.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    })
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    port = (silent.address() as { port: number }).port
  })
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  /** Runs the listener for disputes. */
  function run(options: Partial<MailOptions>, signal: AbortSignal) {
    const mail = createMailListeners({ smtpUrl: `smtp://127.0.0.1:${port}`, ...shop, ...options })
    const [listener] = mail.listeners.OrderDisputed ?? []
    if (listener === undefined || typeof listener === 'function') throw new Error('there is no listener')
    const order = {
      number: '1',
      currency: 'EUR',
      totalMinor: 1,
      placedAt: '2026-01-01T00:00:00Z',
      checkoutId: 'c',
      email: null,
    }
    const dispute = { id: 'd', status: 'lost', reason: 'fraudulent', amount: 1 }
    const event = { id: 'e', type: 'OrderDisputed', occurredAt: '2026-01-01T00:00:00Z', order, dispute }
    const running = listener.run(event as unknown as CheckoutEvent<'OrderDisputed'>, { signal, attempt: 1 })
    return { mail, running: running as Promise<void> }
  }

  test('times out, and no connection is left', async () => {
    const { mail, running } = run({ timeoutMs: 300 }, new AbortController().signal)
    await expect(running).rejects.toThrow(/does not answer in time|not sent in time/)
    await expect.poll(() => sockets.size).toBe(0)
    await mail.close()
  })

  test('is disconnected at once when the delivery is aborted', async () => {
    const stop = new AbortController()
    const { mail, running } = run({}, stop.signal)
    running.catch(() => {})
    await expect.poll(() => sockets.size).toBe(1)
    stop.abort(new Error('the process stopped'))
    await expect(running).rejects.toThrow('mail not sent in time')
    await expect.poll(() => sockets.size).toBe(0)
    await mail.close()
  })

  test('is disconnected when mail is closed', async () => {
    const { mail, running } = run({}, new AbortController().signal)
    const outcome = expect(running).rejects.toThrow()
    await expect.poll(() => sockets.size).toBe(1)
    await mail.close()
    await outcome
    await expect.poll(() => sockets.size).toBe(0)
  })
})

test('sends nothing to a server without TLS if the address requires TLS', async () => {
  const server = await startMailServer()
  const alert = { code: 'rollback_stuck', message: 'stuck', lockId: null, context: {} } as const
  const send = async (smtpUrl: string) => {
    const mail = createMailListeners({ ...shop, smtpUrl })
    await mail.alert?.([alert], new AbortController().signal).finally(mail.close)
  }
  await expect(send(`${server.url}?requireTLS=true`)).rejects.toThrow('ETLS')
  expect(server.offered()).toBe(0)
  await send(server.url)
  expect(server.offered()).toBe(1)
  await server.stop()
})

test('the error about a rejected address contains the reason, but not the address', () => {
  const refused = (response: string, to: string) =>
    refusalOf(
      Object.assign(new Error('refused'), { code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550, response }),
      to,
    ).message
  for (const response of [
    '550 5.1.1 <ada.lovelace@example.com>: user unknown',
    '550 5.1.1 Ada.Lovelace: user unknown',
    '550 5.1.1 "ada.lovelace" (user unknown)',
    '550 5.1.1 user unknown, see https://help.example/?who=ada.lovelace%40example.com',
  ]) {
    const message = refused(response, 'ada.lovelace@example.com')
    expect(message).toContain('550 5.1.1')
    expect(message).toContain('user unknown')
    expect(message).not.toMatch(/lovelace/i)
  }
  expect(refused('550 a user that is unknown: a', 'a@example.com')).toContain('(550 … user that is unknown: …)')
})

test('options need exactly one transport and valid addresses', () => {
  const silent = { ...shop, transport: { sendMail: async () => {} } }
  expect(() => createMailListeners(shop)).toThrow('either smtpUrl or transport')
  expect(() => createMailListeners({ ...silent, smtpUrl: 'smtp://x' })).toThrow('either smtpUrl or transport')
  expect(() => createMailListeners({ ...silent, baseUrl: 'shop.example' })).toThrow('invalid baseUrl "shop.example"')
  for (const wrong of ['smtp://me:pa#ss@mail.example', 'smtp://me:12/ss@mail.example', 'mail.example']) {
    expect(() => createMailListeners({ ...shop, smtpUrl: wrong })).toThrow(/^invalid smtpUrl(?!.*ss@)/)
  }
  expect(() => createMailListeners({ ...silent, from: 'shop' })).toThrow('name@example.com')
  expect(() => createMailListeners({ ...silent, adminEmail: 'a@b.example, c@d.example' })).toThrow('name@example.com')
})
