/** Orders by invoice over HTTP, from the payment details to paid, expired, cancelled, and refunded. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { statement } from '../../../src/database/database.ts'
import {
  cancelResponse,
  cartResponse,
  completedResponse,
  errorResponse,
  statusResponse,
} from '../../../src/http/schemas/responses.ts'
import { createInvoiceGateway, type InvoiceGateway } from '../../../src/payments/invoice/invoice.ts'
import { makeDue } from '../../payments/invoice/fixture.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { address, type Browser, openBrowser, openShop, type TestShop } from '../open-shop.ts'

const wake = statement('test_wake_checkout', 'update holdfast.checkouts set wake_at = now() where id = $1::uuid')
const stockOf = statement(
  'test_stock_of_sku',
  `select on_hand as "onHand", reserved from holdfast.stock_levels s join holdfast.variants v on v.id = s.variant_id
   where v.sku = $1`,
)

describe.each(['postgres', 'embedded'] as const)('an order by invoice over HTTP (%s)', kind => {
  let opened: TestDatabase
  let shop: TestShop
  let invoices: InvoiceGateway
  let browser: Browser
  let lines = 0

  beforeAll(async () => {
    opened = await openTestDatabase(kind)
    invoices = createInvoiceGateway({
      database: opened.database,
      iban: 'DE89370400440532013000',
      accountHolder: 'Reeperei <GmbH>',
      onPaid: checkoutId => shop.engine.captureCheckout(checkoutId),
    })
    shop = await openShop(opened.database, {
      gateway: invoices,
    })
  })
  afterEach(async () => {
    const { findings } = await shop.engine.audit({ drained: true })
    expect(findings.filter(({ violations }) => violations > 0)).toEqual([])
  })
  afterAll(async () => {
    await shop?.stop()
    await invoices?.close()
    await opened?.stop()
  })

  async function order(sku = 'LANTERN') {
    browser = await openBrowser(shop.handler)
    await browser.send('POST', '/cart/lines', { sku, quantity: 1 })
    const body = { email: 'ada@example.com', shipping_address: address, payment_method: 'bank_transfer' }
    const response = await browser.send('POST', '/checkout', body)
    expect(response.status).toBe(201)
    const { order: made } = completedResponse.parse(await response.json())
    return { ...made, again: () => browser.send('POST', '/checkout', body) }
  }

  const confirmation = async (id: string) =>
    completedResponse.parse(await (await browser.send('GET', `/checkout/confirmation/${id}`)).json()).order
  const stock = async (sku: string) => (await opened.database.query(stockOf, [sku]))[0]
  const pay = (reference: string, amountMinor: number) => {
    lines += 1
    return invoices.markPaid(reference, { amountMinor, currency: 'EUR', statementLineId: `${lines}`, actor: 'Grace' })
  }

  test('is pending with payment details, is created once, and is paid when the transfer arrives', async () => {
    const { id, lock_id, status, total, transfer, again } = await order()
    expect({ status, transfer }).toEqual({
      status: 'pending',
      transfer: {
        reference: expect.stringMatching(/^RF\d{8}$/),
        iban: 'DE89370400440532013000',
        account_holder: 'Reeperei <GmbH>',
        due_at: expect.any(String),
      },
    })
    expect(completedResponse.parse(await (await again()).json()).order.id).toBe(id)
    const page = await (await browser.open(`/checkout/confirmation/${id}`)).text()
    expect(page).toContain('DE89 3704 0044 0532 0130 00')
    expect(page).toContain('Reeperei &lt;GmbH&gt;')
    expect(page).toContain(transfer?.reference.replace(/(.{4})(?=.)/g, '$1 '))
    expect(await stock('LANTERN')).toEqual({ onHand: 2, reserved: 1 })

    await pay(transfer?.reference ?? '', total)
    expect(await confirmation(id)).toMatchObject({ status: 'paid', transfer: null })
    const current = statusResponse.parse(
      await (await browser.send('GET', `/checkout/status?lock_id=${lock_id}`)).json(),
    )
    expect(current).toMatchObject({ state: 'completed', order_id: id })
    expect(await stock('LANTERN')).toEqual({ onHand: 1, reserved: 0 })
    expect(await (await browser.open(`/checkout/confirmation/${id}`)).text()).not.toContain('IBAN')
  })

  test('leaves its buyer a free cart while it is pending', async () => {
    const { id, lock_id } = await order('CLEAT')
    const next = await browser.send('POST', '/cart/lines', { sku: 'MARLINE', quantity: 2 })
    expect(cartResponse.parse(await next.json())).toMatchObject({ quantity: 2, locked: false })
    expect((await confirmation(id)).status).toBe('pending')
    await cancel(lock_id)
  })

  test('is cancelled if unpaid when due', async () => {
    const { id, lock_id, total, transfer } = await order('NEEDLES')
    await pay(transfer?.reference ?? '', total - 1)
    await makeDue(opened.database, lock_id)
    await opened.database.query(wake, [lock_id])
    await shop.engine.recover()
    expect(await confirmation(id)).toMatchObject({ status: 'cancelled', transfer: null })
    expect(await stock('NEEDLES')).toEqual({ onHand: 80, reserved: 0 })
    expect(await invoices.payoutsDue()).toMatchObject([{ owedMinor: total - 1 }])
  })

  test('can be cancelled by its buyer until it is paid', async () => {
    const { id, lock_id } = await order('HAT-M')
    expect(await cancel(lock_id)).toEqual({ status: 200, body: expect.objectContaining({ success: true }) })
    expect(await confirmation(id)).toMatchObject({ status: 'cancelled' })
    expect(await stock('HAT-M')).toEqual({ onHand: 12, reserved: 0 })
    const other = await order('HAT-M')
    await pay(other.transfer?.reference ?? '', other.total)
    expect(await cancel(other.lock_id)).toMatchObject({ status: 409 })
    expect(await confirmation(other.id)).toMatchObject({ status: 'paid' })
  })

  test('is refunded as a payout that becomes due', async () => {
    const { id, total, transfer } = await order('HAT-L')
    await pay(transfer?.reference ?? '', total)
    expect(await shop.engine.refundOrder(id, { actor: 'Grace' })).toMatchObject({ status: 'refunded' })
    expect(await confirmation(id)).toMatchObject({ status: 'refunded', refunded: total })
    expect(await invoices.invoice(transfer?.reference ?? '')).toMatchObject({ owedMinor: total })
  })

  test('is the only payment method on the checkout page', async () => {
    browser = await openBrowser(shop.handler)
    await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
    const page = await (await browser.open('/checkout')).text()
    expect(page).toContain('value="bank_transfer:"')
    expect(page).not.toContain('tok_approve')
  })

  async function cancel(lockId: string) {
    const response = await browser.send('POST', '/checkout/cancel', { lock_id: lockId })
    const body = await response.json()
    return { status: response.status, body: response.ok ? cancelResponse.parse(body) : errorResponse.parse(body) }
  }
})
