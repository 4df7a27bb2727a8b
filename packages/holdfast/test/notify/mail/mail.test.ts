/** The content of emails in both parts, and its safety against texts of others. */
import { describe, expect, test } from 'vitest'
import { mailKinds, sampleOrder, writeMail } from '../../../../../proofs/pictures/mail-samples.ts'
import type { Failure } from '../../../src/domain/failure.ts'

const view = (html: string) =>
  html
    .replace(/<!--\[if mso\]>[\s\S]*?<!\[endif\]-->/g, '')
    .replace(/<style>[\s\S]*?<\/style>|<title>[\s\S]*?<\/title>|<div style="display:none[\s\S]*?<\/div>/g, '')

/** The words of an HTML part as a reader sees them. */
const words = (html: string) =>
  view(html)
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .split(/\s+/)
    .filter(word => word !== '')

const wordsOfText = (text: string) => text.split(/[\s>]+/).filter(word => word !== '' && !/^-+$/.test(word))

describe('an email', () => {
  test('says the same in both of its parts', async () => {
    for (const kind of mailKinds) {
      const { html, text } = await writeMail(kind)
      const inHtml = words(html).join(' ')
      for (const word of wordsOfText(text)) {
        const plain = word.replace(/:$/, '')
        // A link is a label in one part and an address in the other.
        if (!plain.startsWith('https://')) expect(inHtml, `${kind}: ${plain}`).toContain(plain)
        else expect(html).toContain(`href="${plain}"`)
      }
      const inText = wordsOfText(text).join(' ')
      for (const word of words(html)) expect(inText, `${kind}: ${word}`).toContain(word)
    }
  })

  test('loads no resources and runs no scripts', async () => {
    for (const kind of mailKinds) {
      const { html } = await writeMail(kind)
      expect(html).not.toMatch(/<(script|img|link|iframe|form|object|svg)\b|url\(|@import|\son\w+=/i)
      const addresses = [...html.matchAll(/(?:src|href|background|action)="([^"]*)"/g)].map(([, address]) => address)
      expect(addresses.filter(address => !address?.startsWith('https://shop.example'))).toEqual([])
    }
  })

  test('has no links if the shop has no address', async () => {
    const { html, text } = await writeMail('order-confirmation', { shop: { baseUrl: null } })
    expect(`${html}${text}`).not.toMatch(/https?:|href/)
  })

  test('formats money and times by the shop’s locale and time zone, for currencies with any decimals', async () => {
    const german = await writeMail('order-confirmation', { shop: { locale: 'de-DE', timeZone: 'Pacific/Auckland' } })
    expect(german.text).toMatch(/225,67\s€/)
    expect(german.text).toMatch(/23\.\s+November 2026/)
    expect(german.html).toContain('225,67')
    const yen = await writeMail('order-confirmation', { order: { currency: 'JPY' }, shop: { locale: 'ja-JP' } })
    expect(yen.text).toMatch(/[¥￥]22,567/)
    const dinar = await writeMail('new-order', { order: { currency: 'KWD' }, shop: { locale: 'en' } })
    expect(dinar.subject).toMatch(/22\.567/)
  })

  test('shows added tax as a part of the total, and later refunds', async () => {
    const order = { totalMinor: 26_169, taxMinor: 3_602, refundedMinor: 100 }
    const { text } = await writeMail('order-confirmation', { order })
    expect(text).toMatch(/^Tax {2,}€36\.02$/m)
    expect(text).toMatch(/^Refunded {2,}−€1\.00$/m)
    expect((await writeMail('order-confirmation')).text).toMatch(/^Tax \(included\) {2,}€36\.02$/m)
  })

  test('has no addresses and no shipping if nothing is shipped', async () => {
    const order = { shippingAddress: null, billingAddress: null, shippingMinor: 0, notes: null }
    const { text } = await writeMail('order-confirmation', { order })
    expect(text).toContain('Thank you.')
    expect(text).not.toMatch(/Shipping|address|note/)
  })

  test('escapes every text that buyers write', async () => {
    const nasty = `<img src=x onerror="alert('1')">&<b>\u202Etxt`
    const order = {
      notes: `${nasty}\r\n</div></td><script>alert(2)</script>`,
      couponCode: nasty,
      lines: sampleOrder.lines.map(line => ({ ...line, title: nasty, sku: nasty })),
      shippingAddress: {
        firstName: nasty,
        lastName: nasty,
        lineOne: nasty,
        city: nasty,
        postcode: nasty,
        country: nasty,
      },
    }
    for (const kind of ['order-confirmation', 'new-order', 'refund'] as const) {
      const { html, text } = await writeMail(kind, { order: { ...order, billingAddress: null } })
      expect(html).not.toMatch(/<(img|b|script)\b/)
      expect(html).toContain('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;&lt;b&gt;txt')
      expect(`${html}${text}`).not.toContain('\u202E')
      expect(text).toContain('<b>txt')
    }
  })

  test('keeps its headers intact for any text in names, codes and the shop’s name', async () => {
    const order = { number: '1\r\nBcc: thief@example.com', shippingAddress: null, billingAddress: null }
    const failure: Failure = {
      code: 'cart_empty',
      message: 'a\r\nBcc: thief@example.com',
      phase: null,
      context: {},
      retryable: true,
    }
    const shop = { shopName: 'Shop\r\nBcc: thief@example.com' }
    for (const kind of ['order-confirmation', 'new-order', 'checkout-failure'] as const) {
      const { subject, from, to, headers, messageId } = await writeMail(kind, { order, failure, shop })
      const all = [subject, from.name, from.address, to.name, to.address, messageId, ...Object.values(headers)]
      for (const value of all) expect(value).not.toMatch(/\p{Cc}/u)
    }
  })

  test('is never sent to two recipients by one forged address', async () => {
    for (const email of [
      'a@x.example, b@x.example',
      'a@x.example\r\nBcc: b@x.example',
      'A <a@x.example>',
      'nobody',
      '',
    ]) {
      await expect(writeMail('order-confirmation', { order: { email } })).rejects.toThrow('no valid email address')
    }
  })

  test('is not written without an address', async () => {
    await expect(writeMail('order-confirmation', { order: { email: null } })).rejects.toThrow('sent no mail')
    await expect(writeMail('refund', { order: { email: null } })).rejects.toThrow('sent no mail')
  })

  test('has the same Message-ID on every attempt, and a different one for a different purpose', async () => {
    const [one, again, other] = [
      await writeMail('order-confirmation'),
      await writeMail('order-confirmation'),
      await writeMail('new-order'),
    ]
    expect(one.messageId).toMatch(/^<[\w.-]+@example\.com>$/)
    expect(again.messageId).toBe(one.messageId)
    expect(other.messageId).not.toBe(one.messageId)
    expect(one.headers['Auto-Submitted']).toBe('auto-generated')
  })

  test('shows many failures by kind, and bounds the list', async () => {
    const { text, subject } = await writeMail('checkout-failure', { failureCount: 400 })
    expect(subject).toBe('400 checkouts failed, mostly payment_declined in payment_authorization')
    expect(text).toContain('And 375 more.')
    expect(text).toMatch(/^payment_declined in payment_authorization {2,}400$/m)
    expect(text.length).toBeLessThan(10_000)
  })
})
