/** Mail over a real SMTP server, from checkouts on a real store: delivered at least once, whatever the server does. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CheckoutAlert } from '../../../src/domain/alert.ts'
import type { CheckoutEvent } from '../../../src/domain/events.ts'
import { requireOrder } from '../../../src/domain/outcome.ts'
import { createMailListeners, type MailOptions } from '../../../src/notify/mail/mail.ts'
import { refusalOf } from '../../../src/notify/mail/mail-transport.ts'
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

    /** An engine whose mail goes to the server, and what ends both. */
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

    test('an order is confirmed to its buyer and told to the shop, a refund to its buyer', async () => {
      const { engine, mail, deliver } = await open()
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 2 }, { engine })
      const order = requireOrder(await engine.processCheckout(lockId, { token: 'tok_approve', notes: 'Ring twice.' }))
      await deliver()
      const [confirmation, told] = [order.email, shop.adminEmail].map(address =>
        server.received.find(({ recipients }) => recipients.includes(address ?? '')),
      )
      expect(server.received).toHaveLength(2)
      expect(confirmation?.mail.subject).toBe(`Your order ${order.number} at Reeperei`)
      expect(addressesOf(confirmation?.mail.from)).toEqual(['shop@example.com'])
      expect(confirmation?.mail.text).toContain('$25.00')
      expect(confirmation?.mail.html).toContain(`https://shop.example/checkout/confirmation/${order.id}`)
      expect(confirmation?.mail.headers.get('auto-submitted')).toBe('auto-generated')
      expect(confirmation?.mail.date).toBeInstanceOf(Date)
      expect(told?.mail.subject).toBe(`New order ${order.number}: $25.00`)
      expect(told?.mail.text).toContain('> Ring twice.')

      await engine.refundOrder(order.id, { lines: [{ sku, quantity: 1 }] })
      await deliver()
      expect(server.received).toHaveLength(3)
      expect(server.received[2]?.recipients).toEqual([order.email])
      expect(server.received[2]?.mail.text).toContain('$10.00 is on its way back to you.')
      await mail.close()
    })

    test('who is not to be told hears nothing', async () => {
      const { engine, mail, deliver } = await open({ notifyCustomer: false, adminEmail: null })
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token: 'tok_approve' })
      expect(await deliver()).toEqual({ delivered: 0, failed: 0, parked: 0 })
      expect(server.received).toEqual([])
      await mail.close()
    })

    test('failures and expiries are told to the shop, each by one mail; cancellations by none', async () => {
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

    test('a crowd of failures comes as two mails, and each delivery waits for its own', async () => {
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

    test('delivers again what was not accepted, under the same Message-ID, once the server is back', async () => {
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

    test('survives a server that is gone, and says why without a secret, an address or a mail in it', async () => {
      const gone = await startMailServer()
      const { port } = new URL(gone.url)
      await gone.stop()
      const { engine, mail, deliver } = await open({ smtpUrl: gone.url, adminEmail: null })
      const { lockId, sessionId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token: 'tok_approve' })
      expect(await deliver()).toMatchObject({ failed: 1 })
      const back = await startMailServer(Number(port))
      for (const [mood, came] of [
        ['refuses recipients', { parked: 1 }],
        ['is busy', { failed: 1 }],
        ['refuses contents', { parked: 1 }],
      ] as const) {
        back.mood = mood
        await dueNow()
        await engine.deliverer.redeliverParked()
        expect(await deliver(), mood).toMatchObject(came)
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
      const told = JSON.stringify(await errors())
      for (const secret of [smtpPassword, encodeURIComponent(smtpPassword), `${sessionId}@`, 'Thank you']) {
        expect(told).not.toContain(secret)
      }
      await mail.close()
      await back.stop()
    })

    test('what is refused for good is parked at once with its reason, and people are told', async () => {
      const alerts: CheckoutAlert[] = []
      const { engine, mail, deliver } = await open({ adminEmail: null }, alert => alerts.push(alert))
      for (const [at, code, text, said] of [
        ['RCPT TO', 550, '5.1.1 no such user', 'refuses the recipient for good (550 5.1.1 no such user)'],
        ['DATA', 554, '5.6.0 unreadable', 'refuses the mail for good (554 5.6.0)'],
      ] as const) {
        server.refuses = { at, code, text }
        const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
        await engine.processCheckout(lockId, { token: 'tok_approve' })
        expect(await deliver()).toEqual({ delivered: 0, failed: 0, parked: 1 })
        const [delivery] = await engine.deliverer.list({ checkoutId: lockId })
        expect(delivery).toMatchObject({ state: 'parked', attempts: 1, lastError: expect.stringContaining(said) })
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
    ] as const)('what people mend is tried again: %s %i %s', async (at, code, text) => {
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

    test('a password that the server refuses is named as such, and not told', async () => {
      const wrong = server.url.replace('canary', 'canary-wrong')
      const { engine, mail, deliver } = await open({ smtpUrl: wrong, adminEmail: null })
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token: 'tok_approve' })
      expect(await deliver()).toMatchObject({ failed: 1 })
      const [found] = await store.sql<{ last_error: string }>(
        `select last_error from holdfast.deliveries where checkout_id = $1 and state = 'due'`,
        [lockId],
      )
      expect(found?.last_error).toContain('refuses the user or the password of SMTP_URL (535 5.7.8)')
      expect(found?.last_error).not.toContain('canary')
      // Once the password is right, it is delivered.
      const right = await open({ adminEmail: null })
      await dueNow()
      expect(await right.deliver()).toMatchObject({ delivered: 1 })
      await Promise.all([mail.close(), right.mail.close()])
    })

    test('tells no card token and nothing that the shop keeps to itself', async () => {
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

describe('a server that says nothing', () => {
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

  /** What the listener for failures does with an event. */
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

  test('is given up in time, and no connection to it is left', async () => {
    const { mail, running } = run({ timeoutMs: 300 }, new AbortController().signal)
    await expect(running).rejects.toThrow(/does not answer in time|was not sent in time/)
    await expect.poll(() => sockets.size).toBe(0)
    await mail.close()
  })

  test('is left at once when the process stops waiting', async () => {
    const stop = new AbortController()
    const { mail, running } = run({}, stop.signal)
    running.catch(() => {})
    await expect.poll(() => sockets.size).toBe(1)
    stop.abort(new Error('the process stopped'))
    await expect(running).rejects.toThrow('the mail was not sent in time')
    await expect.poll(() => sockets.size).toBe(0)
    await mail.close()
  })

  test('is hung up on when mail is closed', async () => {
    const { mail, running } = run({}, new AbortController().signal)
    const outcome = expect(running).rejects.toThrow()
    await expect.poll(() => sockets.size).toBe(1)
    await mail.close()
    await outcome
    await expect.poll(() => sockets.size).toBe(0)
  })
})

test('says nothing to a server that does not encrypt, where the address asks for it', async () => {
  const server = await startMailServer()
  const alert = { code: 'rollback_stuck', message: 'stuck', lockId: null, context: {} } as const
  const tell = async (smtpUrl: string) => {
    const mail = createMailListeners({ ...shop, smtpUrl })
    await mail.alert?.([alert], new AbortController().signal).finally(mail.close)
  }
  await expect(tell(`${server.url}?requireTLS=true`)).rejects.toThrow('ETLS')
  expect(server.offered()).toBe(0)
  await tell(server.url)
  expect(server.offered()).toBe(1)
  await server.stop()
})

test('tells of a refused address what is wrong with it, and not whose it is', () => {
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

test('asks for one way to send, and for addresses that are some', () => {
  const nobody = { ...shop, transport: { sendMail: async () => {} } }
  expect(() => createMailListeners(shop)).toThrow('either smtpUrl or transport')
  expect(() => createMailListeners({ ...nobody, smtpUrl: 'smtp://x' })).toThrow('either smtpUrl or transport')
  expect(() => createMailListeners({ ...nobody, baseUrl: 'shop.example' })).toThrow('baseUrl is where')
  for (const wrong of ['smtp://me:pa#ss@mail.example', 'smtp://me:12/ss@mail.example', 'mail.example']) {
    expect(() => createMailListeners({ ...shop, smtpUrl: wrong })).toThrow(/^smtpUrl must look like(?!.*ss@)/)
  }
  expect(() => createMailListeners({ ...nobody, from: 'shop' })).toThrow('name@example.com')
  expect(() => createMailListeners({ ...nobody, adminEmail: 'a@b.example, c@d.example' })).toThrow('name@example.com')
})
