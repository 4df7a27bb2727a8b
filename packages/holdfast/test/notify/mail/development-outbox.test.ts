/** The development outbox stores emails in files, and local pages show them. */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simpleParser } from 'mailparser'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mailKinds, writeMail } from '../../../../../proofs/pictures/mail-samples.ts'
import { storefront } from '../../../../storefront/src/index.ts'
import type { CheckoutConfig } from '../../../src/config/checkout-config.ts'
import { defaultConfig } from '../../../src/config/config.ts'
import type { ListenerMap } from '../../../src/events/listeners.ts'
import { createHttpHandler, type HttpOptions } from '../../../src/http/app.ts'
import type { HttpConfig } from '../../../src/http/context.ts'
import { createDevelopmentOutbox } from '../../../src/notify/mail/development-outbox.ts'
import { openMail } from '../../../src/shop/open-mail.ts'

let directory: string
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'kept-mail-')), 'mail')
})
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }))

describe('stored mails', () => {
  test('are complete messages, listed newest first, also by another process', async () => {
    const kept = createDevelopmentOutbox(directory)
    expect(await kept.list()).toEqual([])
    for (const kind of mailKinds) await kept.sendMail(await writeMail(kind))
    const mails = await createDevelopmentOutbox(directory).list()
    expect(mails.map(({ keptAt }) => keptAt)).toEqual(
      mails
        .map(({ keptAt }) => keptAt)
        .sort()
        .reverse(),
    )
    expect(mails).toHaveLength(mailKinds.length)
    const confirmation = mails.find(({ subject }) => subject === 'Your order 100482 at Reeperei Holdfast')
    const parsed = await simpleParser(confirmation?.source ?? '')
    expect(parsed).toMatchObject({ subject: 'Your order 100482 at Reeperei Holdfast' })
    expect(parsed.text?.trim()).toBe(confirmation?.text.trim())
    expect(await kept.read(confirmation?.id ?? '')).toEqual(confirmation)
    const [file = ''] = readdirSync(directory)
    // They contain data of buyers, so only the owner may read them.
    expect(statSync(join(directory, file)).mode & 0o077).toBe(0)
  })

  test('are bounded in number, even if several processes store them at once', async () => {
    const mail = await writeMail('dispute')
    const [one, other] = [createDevelopmentOutbox(directory, 5), createDevelopmentOutbox(directory, 5)]
    await Promise.all(Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? one : other).sendMail(mail)))
    await one.sendMail({ ...mail, subject: 'The last' })
    const mails = await other.list()
    expect(mails).toHaveLength(5)
    expect(mails.map(({ subject }) => subject)).toContain('The last')
    expect(readdirSync(directory)).toHaveLength(5)
  })

  test('are found by id only, never by a path', async () => {
    const kept = createDevelopmentOutbox(directory)
    await kept.sendMail(await writeMail('dispute'))
    writeFileSync(join(directory, '..', 'secret.json'), '{"html":"secret"}')
    for (const id of ['../secret', '..%2fsecret', '', '20261122T130327123-000000000000', 'x'.repeat(5_000)]) {
      expect(await kept.read(id)).toBeNull()
    }
  })
})

describe('pages of stored mails', () => {
  const config = {
    currency: 'EUR',
    secret: 'a secret of the tests, thirty-two characters',
    production: false,
    rateLimitPerMinute: 0,
    protection: true,
  }
  // These pages use only the mailbox, not the engine, the catalog or the carts.
  const nothing = new Proxy({}, { get: () => () => Promise.reject(new Error('unexpected call')) })
  const parts = { engine: nothing, catalog: nothing, carts: nothing } as Pick<
    HttpOptions,
    'engine' | 'catalog' | 'carts'
  >
  interface Visit {
    origin?: string
    /** The address of the connection. */
    address?: string | null
    headers?: Record<string, string>
  }
  const get = (options: Partial<HttpOptions>, path: string, visit: Visit = {}) => {
    const { origin = 'http://127.0.0.1:3000', address = '127.0.0.1', headers = {} } = visit
    return createHttpHandler({ ...parts, config, pages: storefront, remoteAddress: () => address, ...options })(
      new Request(`${origin}${path}`, { headers: { Accept: 'text/html', ...headers } }),
    )
  }

  test('list the emails, and say if there are none', async () => {
    const mailbox = createDevelopmentOutbox(directory)
    expect(await (await get({ mailbox }, '/dev/mail')).text()).toContain('No emails yet.')
    await mailbox.sendMail({ ...(await writeMail('dispute')), subject: '<b>Dispute</b>' })
    const page = await (await get({ mailbox }, '/dev/mail')).text()
    expect(page).toContain('&lt;b&gt;Dispute&lt;/b&gt;')
    expect(page).toContain('harbour@example.com')
  })

  test('show an email in a sandboxed frame, with its text and its headers', async () => {
    const mailbox = createDevelopmentOutbox(directory)
    const mail = await writeMail('order-confirmation')
    await mailbox.sendMail({ ...mail, html: `${mail.html}<script>top.stolen = true</script>` })
    const [kept] = await mailbox.list()
    const answer = await get({ mailbox }, `/dev/mail/${kept?.id}`)
    const page = await answer.text()
    expect(answer.headers.get('content-security-policy')).toContain("frame-src 'self'")
    expect(page).toMatch(/<iframe[^>]* sandbox="allow-popups allow-popups-to-escape-sandbox"/)
    expect(page).toContain('Message-ID: &lt;0198b7c2')
    expect(page).toContain('Thank you, Ada.')
    expect(page).not.toContain('top.stolen')
    const framed = await get({ mailbox }, `/dev/mail/${kept?.id}/html`)
    expect(await framed.text()).toBe(kept?.html)
    const policy = framed.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/default-src 'none'.*sandbox/)
    expect(policy).not.toMatch(/script-src|allow-scripts|allow-same-origin/)
    expect(framed.headers.get('x-frame-options')).toBe('SAMEORIGIN')
  })

  test('are 404 in production, without a mailbox, or for an unknown mail', async () => {
    const mailbox = createDevelopmentOutbox(directory)
    await mailbox.sendMail(await writeMail('dispute'))
    const [kept] = await mailbox.list()
    for (const path of ['/dev/mail', `/dev/mail/${kept?.id}`, `/dev/mail/${kept?.id}/html`]) {
      expect((await get({ mailbox, config: { ...config, production: true } }, path)).status, path).toBe(404)
      expect((await get({}, path)).status, path).toBe(404)
    }
    expect((await get({ mailbox }, '/dev/mail/20261122T130327123-000000000000')).status).toBe(404)
    expect((await get({ mailbox }, '/dev/mail/..%2f..%2fsecret')).status).toBe(404)
  })

  test('are shown to requests from this machine only', async () => {
    const mailbox = createDevelopmentOutbox(directory)
    await mailbox.sendMail(await writeMail('order-confirmation'))
    const [kept] = await mailbox.list()
    const paths = ['/dev/mail', `/dev/mail/${kept?.id}`, `/dev/mail/${kept?.id}/html`]
    const statuses = (visit: Visit, more: Partial<HttpConfig> = {}) =>
      Promise.all(paths.map(async path => (await get({ mailbox, config: { ...config, ...more } }, path, visit)).status))
    const shown = [200, 200, 200]
    const closed = [404, 404, 404]
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(await statuses({ address })).toEqual(shown)
    for (const origin of ['http://localhost:3000', 'http://[::1]:3000', 'http://shop.localhost']) {
      expect(await statuses({ origin }), origin).toEqual(shown)
    }
    // Over the network, or from an unknown address.
    for (const address of ['203.0.113.9', '192.168.1.7', '::ffff:203.0.113.9', '2001:db8::1', null]) {
      expect(await statuses({ address }), String(address)).toEqual(closed)
    }
    // DNS rebinding: another site's name that resolves to this machine.
    for (const origin of ['http://shop.example', 'http://127.0.0.1.example', 'http://localhost.example']) {
      expect(await statuses({ origin }), origin).toEqual(closed)
    }
    for (const header of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'Via', 'X-Forwarded-Host']) {
      expect(await statuses({ headers: { [header]: '127.0.0.1' } }), header).toEqual(closed)
    }
    // A proxy that sets no headers.
    expect(await statuses({}, { baseUrl: 'https://shop.example' })).toEqual(closed)
    expect(await statuses({}, { trustedProxyHeader: 'x-client' })).toEqual(closed)
    expect(await statuses({}, { baseUrl: 'http://localhost:3000' })).toEqual(shown)
  })
})

describe('mail by configuration', () => {
  test('is not stored by a shop with a live gateway, even outside production', async () => {
    const keeps = async (config: Partial<CheckoutConfig>) =>
      (await openMail({ ...defaultConfig, ...config }, directory)).kept !== null
    expect(await keeps({ gateway: 'invoice' })).toBe(false)
    for (const [stripeSecretKey, expected] of [
      ['sk_live_12345678', false],
      ['rk_live_12345678', false],
      ['sk_test_12345678', true],
      ['rk_test_12345678', true],
      [null, false],
    ] as const) {
      expect(await keeps({ gateway: 'stripe', stripeSecretKey }), String(stripeSecretKey)).toBe(expected)
    }
  })

  test('is sent with a server, stored in development without one, and not written otherwise', async () => {
    const names = (listeners: ListenerMap) => Object.keys(listeners)
    const kept = await openMail(defaultConfig, directory)
    expect(kept.kept).not.toBeNull()
    const sent = await openMail(
      { ...defaultConfig, smtpUrl: 'smtp://127.0.0.1:1', mailFrom: 'shop@example.com' },
      directory,
    )
    expect(sent.kept).toBeNull()
    // Deliveries are stored by listener name, so both must register the same listeners.
    expect(names(sent.listeners)).toEqual(names(kept.listeners))
    for (const environment of ['production', 'test'] as const) {
      expect(await openMail({ ...defaultConfig, environment }, directory)).toMatchObject({ kept: null, listeners: {} })
    }
    expect(await openMail(defaultConfig, null)).toMatchObject({ kept: null, listeners: {} })
    await Promise.all([kept.close(), sent.close()])
  })
})
