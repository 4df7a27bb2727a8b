/** Orders paid by bank transfer within days: they wait with their stock, and end paid, lapsed, cancelled, or refunded. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requireOrder } from '../../../src/domain/outcome.ts'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { silentLog } from '../../../src/observe/log/log.ts'
import { createInvoiceGateway, type InvoiceGateway, type StatementLine } from '../../../src/payments/invoice/invoice.ts'
import { describeStore, type TestStore } from '../../support/test-store.ts'
import { invoiceBooks, makeDue, wrongInvoices } from './fixture.ts'

const bank = { iban: 'DE89 3704 0044 0532 0130 00', accountHolder: 'Holdfast GmbH' }
const payment = { method: 'bank_transfer' as const }
/** Two units and shipping. */
const total = 2_500
const nothing = { authorizations: 1, openMinor: 0, capturedMinor: 0, refundedMinor: 0 }

let lines = 0
const line = (amountMinor: number, more: Partial<StatementLine> = {}): StatementLine => {
  lines += 1
  return { amountMinor, currency: 'USD', statementLineId: `line-${lines}`, actor: 'Grace', ...more }
}

describeStore('An order by invoice', store => {
  let engine: CheckoutEngine
  let invoices: InvoiceGateway
  const alarms: string[] = []

  beforeAll(async () => {
    invoices = createInvoiceGateway({
      database: store.database,
      ...bank,
      onPaid: id => engine.captureCheckout(id),
    })
    engine = await store.open({ gateway: invoices, log: { ...silentLog, error: message => alarms.push(message) } })
  })
  afterAll(async () => {
    await invoices.close()
    expect(await wrongInvoices(store.database)).toEqual([])
    expect(alarms).toEqual([])
  })

  async function ordered() {
    const sku = await store.article()
    const begun = await store.begin({ [sku]: 2 }, { engine })
    const outcome = await engine.processCheckout(begun.lockId, payment)
    const order = requireOrder(outcome)
    return { ...begun, sku, outcome, order, reference: order.metadata.transfer?.reference ?? '' }
  }

  test('an order by invoice waits with its stock and its transfer details until the money comes', async () => {
    const { outcome, lockId, sku, reference } = await ordered()
    expect(outcome).toMatchObject({
      status: 'awaiting_capture',
      order: {
        status: 'pending',
        totalMinor: total,
        metadata: { transfer: { reference, iban: 'DE89370400440532013000', accountHolder: bank.accountHolder } },
      },
    })
    const dueInDays = (Date.parse(requireOrder(outcome).metadata.transfer?.dueAt ?? '') - Date.now()) / 86_400_000
    expect(dueInDays).toBeGreaterThan(13.9)
    expect(dueInDays).toBeLessThan(14.1)
    await store.expire(lockId)
    await engine.recover()
    expect(await store.facts(lockId)).toMatchObject({ state: 'awaiting_capture', holds: ['firm'], order: 'pending' })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 2 })
    expect(await engine.processCheckout(lockId, payment)).toMatchObject({ status: 'awaiting_capture' })

    const paid = await invoices.markPaid(`  ${reference.toLowerCase()} `, line(total))
    expect(paid).toMatchObject({ status: 'captured', receivedMinor: total, missingMinor: 0, owedMinor: 0 })
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed', order: 'paid', holds: ['committed'] })
    expect(await engine.resumeCheckout(lockId)).toMatchObject({
      status: 'completed',
      order: {
        status: 'paid',
        metadata: { transfer: { reference }, payment: { capture_id: reference, amount: total } },
      },
    })
    expect((await engine.audit()).violations).toBe(0)
  })

  test('a partial payment is kept, and the order completes when the rest arrives', async () => {
    const { lockId, reference } = await ordered()
    const part = await invoices.markPaid(reference, line(2_000))
    expect(part).toMatchObject({ status: 'issued', receivedMinor: 2_000, missingMinor: 500, owedMinor: 0 })
    expect(await store.facts(lockId)).toMatchObject({ state: 'awaiting_capture' })
    expect(await invoices.openInvoices()).toContainEqual(part)
    expect(await invoices.markPaid(reference, line(500))).toMatchObject({ status: 'captured', receivedMinor: total })
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed', order: 'paid' })
    expect(await invoices.openInvoices()).not.toContainEqual(expect.objectContaining({ reference }))
  })

  test('an overpaid order completes with its own amount, and the rest is owed until it is paid back', async () => {
    const { lockId, reference } = await ordered()
    expect(await invoices.markPaid(reference, line(3_000))).toMatchObject({ status: 'captured', owedMinor: 500 })
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed' })
    expect(await invoiceBooks(store.database, lockId)).toEqual({ ...nothing, capturedMinor: total })
    expect(await invoices.payoutsDue()).toContainEqual(expect.objectContaining({ reference, owedMinor: 500 }))
    await expect(invoices.markPaidBack(reference, line(501))).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await invoices.markPaidBack(reference, line(500))).toMatchObject({ owedMinor: 0, receivedMinor: total })
    expect(await invoices.payoutsDue()).not.toContainEqual(expect.objectContaining({ reference }))
  })

  test('a statement line that is reported many times at once counts once', async () => {
    const { reference } = await ordered()
    const one = line(1_000)
    await Promise.all(Array.from({ length: 20 }, () => invoices.markPaid(reference, one)))
    expect(await invoices.invoice(reference)).toMatchObject({ receivedMinor: 1_000, missingMinor: 1_500 })
    await expect(invoices.markPaid(reference, { ...one, amountMinor: 1_001 })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    const other = await ordered()
    await expect(invoices.markPaid(other.reference, one)).rejects.toMatchObject({ code: 'invalid_argument' })
    const shared = line(100)
    const both = [reference, other.reference].map(each => invoices.markPaid(each, shared))
    expect((await Promise.allSettled(both)).map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('a payment with a wrong reference, currency, amount, or line is refused', async () => {
    const { reference } = await ordered()
    const mistyped = reference.replace(/.$/, digit => String((Number(digit) + 1) % 10))
    for (const [typed, wrong] of [
      [mistyped, line(total)],
      ['RF18539007547034', line(total)],
      [reference, line(total, { currency: 'EUR' })],
      [reference, line(0)],
      [reference, line(-total)],
      [reference, line(12.5)],
      [reference, line(total, { actor: '' })],
      [reference, line(total, { statementLineId: 'x'.repeat(256) })],
    ] as const) {
      await expect(invoices.markPaid(typed, wrong)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(await invoices.invoice(mistyped)).toBeNull()
    expect(await invoices.invoice(reference)).toMatchObject({ status: 'issued', receivedMinor: 0 })
  })

  test('an unpaid invoice lapses when due: stock is released, the order is cancelled, and late money is owed', async () => {
    const { lockId, sku, cartId, reference } = await ordered()
    await invoices.markPaid(reference, line(2_499))
    await due(lockId)
    expect(await store.facts(lockId)).toMatchObject({
      state: 'failed',
      code: 'authorization_ended',
      phase: 'payment_capture',
      order: 'cancelled',
      holds: ['released'],
    })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    expect(await engine.isCartLocked(cartId)).toBe(false)
    expect(await invoices.markPaid(reference, line(1))).toMatchObject({ status: 'lapsed', owedMinor: total })
    expect(await invoices.runOnce()).toBe(0)
    expect(await invoices.markPaidBack(reference, line(total))).toMatchObject({ owedMinor: 0 })
    expect(await invoiceBooks(store.database, lockId)).toEqual(nothing)
  })

  test('a paid invoice whose payment was never announced completes when it is due', async () => {
    const { lockId, reference } = await ordered()
    const elsewhere = createInvoiceGateway({ database: store.database })
    await elsewhere.markPaid(reference, line(total))
    expect(await store.facts(lockId)).toMatchObject({ state: 'awaiting_capture' })
    await due(lockId)
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed', order: 'paid' })
  })

  test('a paid invoice is announced again until it is captured', async () => {
    const { lockId, reference } = await ordered()
    let fails = 2
    const shop = createInvoiceGateway({
      database: store.database,
      onPaid(id) {
        if (id === lockId && fails-- > 0) throw new Error('the process is ending')
        return engine.captureCheckout(id)
      },
    })
    expect(await shop.markPaid(reference, line(total))).toMatchObject({ status: 'issued', missingMinor: 0 })
    expect(await shop.runOnce()).toBe(0)
    expect(await shop.runOnce()).toBe(1)
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed' })
    expect(await shop.runOnce()).toBe(0)
  })

  test('an order can be cancelled while its invoice is open, and money that comes later is owed', async () => {
    const { lockId, sku, reference } = await ordered()
    await invoices.markPaid(reference, line(1_000))
    expect(await engine.cancelCheckout(lockId)).toMatchObject({ failure: { code: 'checkout_cancelled' } })
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', order: 'cancelled', holds: ['released'] })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    expect(await invoices.markPaid(reference, line(1_500))).toMatchObject({ status: 'voided', owedMinor: total })
  })

  test('a payment that races a cancellation ends either paid or cancelled, with the money owed', async () => {
    for (let round = 0; round < 6; round += 1) {
      const { lockId, reference } = await ordered()
      await Promise.allSettled([invoices.markPaid(reference, line(total)), engine.cancelCheckout(lockId)])
      const { state, order } = await store.facts(lockId)
      const invoice = await invoices.invoice(reference)
      const ended = state === 'completed' ? ['completed', 'paid', 0] : ['failed', 'cancelled', total]
      expect([state, order, invoice?.owedMinor]).toEqual(ended)
    }
  })

  test('a refund is owed to the buyer, and never exceeds what was paid', async () => {
    const { lockId, order, reference } = await ordered()
    await invoices.markPaid(reference, line(total))
    expect(await engine.refundOrder(order.id, { amountMinor: 700, key: 'one' })).toMatchObject({ status: 'refunded' })
    expect(await engine.refundOrder(order.id, { amountMinor: 700, key: 'one' })).toMatchObject({ status: 'refunded' })
    expect(await invoices.invoice(reference)).toMatchObject({ refundedMinor: 700, owedMinor: 700 })
    await expect(engine.refundOrder(order.id, { amountMinor: 1_801 })).rejects.toMatchObject({ code: 'not_refundable' })
    await invoices.markPaidBack(reference, line(700))
    expect(await engine.refundOrder(order.id)).toMatchObject({ status: 'refunded', order: { status: 'refunded' } })
    expect(await invoices.invoice(reference)).toMatchObject({ refundedMinor: total, owedMinor: 1_800 })
    await invoices.markPaidBack(reference, line(1_800))
    expect(await invoices.invoice(reference)).toMatchObject({ receivedMinor: 0, owedMinor: 0, status: 'captured' })
    expect(await invoiceBooks(store.database, lockId)).toMatchObject({ capturedMinor: total, refundedMinor: total })
  })

  test('a capture that comes too early waits for the money without an alert', async () => {
    const { lockId, reference } = await ordered()
    expect(await engine.captureCheckout(lockId)).toMatchObject({ status: 'processing', lock: { state: 'capturing' } })
    await store.sql(
      `update holdfast.payment_operations set intended_at = now() - interval '9 days' where checkout_id = $1`,
      [lockId],
    )
    await store.wake(lockId)
    await engine.recover()
    expect(await store.facts(lockId)).toMatchObject({ state: 'capturing', order: 'pending', holds: ['firm'] })
    expect(alarms).toEqual([])
    await invoices.markPaid(reference, line(total))
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed' })
  })

  test('a card payment is declined by the invoice gateway', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
    expect(await engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })).toMatchObject({
      failure: { code: 'payment_declined', context: { reason: 'method_not_supported' } },
    })
  })

  test('an order that costs nothing completes without a payment', async () => {
    const sku = await store.article({ priceMinor: 0, requiresShipping: false })
    const { lockId } = await store.begin({ [sku]: 1 }, { engine })
    expect(await engine.processCheckout(lockId, payment)).toMatchObject({ order: { totalMinor: 0 } })
    await invoices.runOnce()
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed', order: 'paid' })
  })

  test('a buyer with an open invoice can fill a new cart', async () => {
    const { cartId, sessionId, lockId, sku } = await ordered()
    expect(await store.carts.currentCart(sessionId)).toBeNull()
    expect((await engine.lastOrderOf(sessionId))?.status).toBe('pending')
    const next = await store.carts.addLine(sessionId, { sku, quantity: 1 })
    expect(next.id).not.toBe(cartId)
    await engine.cancelCheckout(lockId)
    expect((await store.carts.currentCart(sessionId))?.id).toBe(next.id)
  })

  test('reconciliation can inspect and list invoices', async () => {
    const since = new Date(Date.now() - 60_000)
    const signal = AbortSignal.timeout(5_000)
    const { lockId, reference } = await ordered()
    const open = { reference, checkoutId: lockId, status: 'authorized', openMinor: total, capturedMinor: 0 }
    expect(await invoices.inspect?.(reference, signal)).toMatchObject(open)
    expect((await invoices.list?.({ since, after: null, signal }))?.[0]).toMatchObject(open)
    const older = (await invoices.list?.({ since, after: reference, signal })) ?? []
    expect(older.map(({ reference: each }) => each)).not.toContain(reference)
    expect(older.length).toBeGreaterThan(0)
    await invoices.markPaid(reference, line(total))
    expect(await invoices.inspect?.(reference, signal)).toMatchObject({ status: 'captured', capturedMinor: total })
    expect(await invoices.inspect?.('RF18539007547034', signal)).toBeNull()
  })

  async function due(lockId: string): Promise<void> {
    await makeDue(store.database, lockId)
    await store.wake(lockId)
    await engine.recover()
  }
})

test.each([{ dueDays: 0 }, { dueDays: 1.5 }, { dueDays: 366 }, { iban: 'DE89370400440532013001' }])(
  'an invoice gateway with invalid options is refused: %j',
  options => {
    const database = {} as TestStore['database']
    expect(() => createInvoiceGateway({ database, ...options })).toThrow(/dueDays|iban/)
  },
)
