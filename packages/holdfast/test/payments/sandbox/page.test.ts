import { describe, expect, it } from 'vitest'
import { returnLocation, sandboxPage } from '../../../src/payments/sandbox/page.ts'
import type { SandboxPayment } from '../../../src/payments/sandbox/payment.ts'

const payment: SandboxPayment = {
  reference: 'sbx_0195:authorize:1',
  checkoutId: '01951234-0000-7000-8000-000000000000',
  status: 'action_required',
  method: 'card',
  behaviour: 'action_required',
  amountMinor: 123_456,
  currency: 'EUR',
  capturedMinor: 0,
  refundedMinor: 0,
  declineCode: null,
  voidFailuresLeft: 0,
  returnUrl: 'https://shop.example/checkout?step=3#pay',
  validUntil: null,
}
const merchant = 'The Shop'
const back =
  'https://shop.example/checkout?step=3&checkout_id=01951234-0000-7000-8000-000000000000&payment=sbx_0195%3Aauthorize%3A1#pay'

describe('The sandbox’s confirmation page', () => {
  it('the page shows the amount and the shop, offers to approve, refuse, or leave, and has no scripts', () => {
    const { status, html } = sandboxPage({ payment, merchant })
    expect(status).toBe(200)
    expect(html).toContain('€1,234.56')
    expect(html).toContain('to The Shop')
    expect(html).toContain('<button name="decision" value="approve">')
    expect(html).toContain('<button name="decision" value="refuse">')
    expect(html).toContain(`href="${back.replaceAll('&', '&amp;')}"`)
    expect(html).not.toContain('<script')
  })

  it.each([
    ['authorized', null, 'You approved this payment.'],
    ['captured', null, 'You approved this payment.'],
    ['declined', 'authentication_failed', 'You have not been charged. You refused this payment.'],
    ['declined', 'card_declined', 'You have not been charged. This payment was declined.'],
    ['voided', null, 'You have not been charged. The shop cancelled this payment.'],
    ['pending', null, 'This payment is being processed.'],
  ] as const)('a payment that is %s (%s) shows its state and no form', (status, declineCode, sentence) => {
    const { html } = sandboxPage({ payment: { ...payment, status, declineCode }, merchant })
    expect(html).toContain(sentence)
    expect(html).not.toContain('<form')
    expect(html).toContain('Back to the shop')
  })

  it('an unknown payment is answered with 404', () => {
    const { status, html } = sandboxPage({ payment: null, merchant })
    expect(status).toBe(404)
    expect(html).toContain('Payment not found')
  })

  it('a payment that was fenced before it arrived shows no amount', () => {
    const fenced = { ...payment, status: 'voided', method: null, currency: 'XXX', amountMinor: 0 } as const
    expect(sandboxPage({ payment: fenced, merchant }).html).not.toContain('class="amount"')
  })

  it('all data from outside is escaped', () => {
    const hostile = { ...payment, reference: '"><script>alert(1)</script>', returnUrl: `/a?x="'><b>` }
    const { html } = sandboxPage({ payment: hostile, merchant: '<img src=x>', action: '"><b>' })
    expect(html).not.toMatch(/<script|<img|<b>/)
  })

  it('the content security policy allows the style, the form, and the redirect to the shop', () => {
    const { contentSecurityPolicy } = sandboxPage({ payment, merchant })
    expect(contentSecurityPolicy).toMatch(/style-src 'sha256-[A-Za-z0-9+/=]{44}'/)
    expect(contentSecurityPolicy).toContain("form-action 'self' https://shop.example")
    expect(sandboxPage({ payment: null, merchant }).contentSecurityPolicy).toContain("form-action 'self';")
  })
})

describe('The return URL', () => {
  it('the checkout and the payment are added to the query, and the fragment is kept', () => {
    expect(returnLocation(payment)).toBe(back)
    expect(returnLocation({ ...payment, returnUrl: '/done' })).toMatch(/^\/done\?checkout_id=01951234-/)
    expect(returnLocation({ ...payment, returnUrl: null })).toBeNull()
  })
})
