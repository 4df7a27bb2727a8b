/** Emails about unpaid orders: buyers get the payment details once, and none if the payment settles at once. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { writeMail } from '../../../../../proofs/pictures/mail-samples.ts'
import type { CheckoutEvent } from '../../../src/domain/events.ts'
import { requireOrder } from '../../../src/domain/outcome.ts'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { joinListeners } from '../../../src/events/listeners.ts'
import { createMailListeners, type MailMessage } from '../../../src/notify/mail/mail.ts'
import { createInvoiceGateway, type InvoiceGateway } from '../../../src/payments/invoice/invoice.ts'
import { describeStore } from '../../support/test-store.ts'

const bank = { iban: 'DE89 3704 0044 0532 0130 00', accountHolder: 'Holdfast GmbH' }
const payment = { method: 'bank_transfer' as const }
const shop = { from: 'shop@example.com', shopName: 'Reeperei', adminEmail: 'harbour@example.com' }

describeStore(
  'An unpaid order',
  store => {
    let engine: CheckoutEngine
    let byCard: CheckoutEngine
    let invoices: InvoiceGateway
    const sent: MailMessage[] = []
    const events: CheckoutEvent<'OrderAwaitingCapture'>[] = []

    beforeAll(async () => {
      invoices = createInvoiceGateway({ database: store.database, ...bank, onPaid: id => engine.captureCheckout(id) })
      const transport = { sendMail: async (message: MailMessage) => sent.push(message) }
      const { listeners } = createMailListeners({ ...shop, transport })
      const record = { name: 'record', run: (event: CheckoutEvent<'OrderAwaitingCapture'>) => events.push(event) }
      const all = joinListeners(listeners, { OrderAwaitingCapture: [record] })
      engine = await store.open({ gateway: invoices, listeners: all })
      byCard = await store.open({ listeners: all })
    })
    afterAll(() => invoices.close())
    beforeEach(() => {
      sent.length = 0
      events.length = 0
    })

    const to = (address: string | null) => sent.filter(message => message.to.address === address)
    async function deliver(): Promise<void> {
      while ((await engine.deliverer.runOnce()).delivered > 0);
    }
    async function invoiced() {
      const begun = await store.begin({ [await store.article()]: 2 }, { engine })
      const order = requireOrder(await engine.processCheckout(begun.lockId, payment))
      return { ...begun, order, reference: order.metadata.transfer?.reference ?? '' }
    }
    const line = (statementLineId: string) => ({ amountMinor: 2_500, currency: 'USD', statementLineId, actor: 'Grace' })

    test('sends payment details to the buyer and a notice to the shop once, even if the checkout is processed again', async () => {
      const { order, lockId, reference } = await invoiced()
      await deliver()
      for (const _ of [1, 2, 3]) {
        await engine.processCheckout(lockId, payment)
        await engine.resumeCheckout(lockId)
        await store.wake(lockId)
        await engine.recover()
        await deliver()
      }
      const [mail, ...others] = to(order.email)
      expect(others).toEqual([])
      expect(mail?.subject).toBe(`Your order ${order.number} at Reeperei: $25.00 to pay by bank transfer`)
      for (const part of ['$25.00', 'Holdfast GmbH', 'DE89 3704 0044 0532 0130 00', reference.slice(0, 4)]) {
        expect(mail?.text).toContain(part)
        expect(mail?.html).toContain(part)
      }
      expect(to(shop.adminEmail).map(({ subject }) => subject)).toEqual([
        `Order ${order.number} awaits a bank transfer: $25.00`,
      ])
      expect(events).toMatchObject([{ lock: { id: lockId, state: 'awaiting_capture' }, order: { id: order.id } }])
      expect(events[0]?.lock.phase).toBe('payment_capture')

      await invoices.markPaid(reference, line(reference))
      await deliver()
      expect(to(order.email).map(({ subject }) => subject)).toEqual([
        mail?.subject,
        `Your order ${order.number} at Reeperei`,
      ])
      expect(events).toHaveLength(1)
    })

    test('does not ask for payment if the order was paid or cancelled before the email was sent', async () => {
      const paid = await invoiced()
      const cancelled = await invoiced()
      await invoices.markPaid(paid.reference, line(`early ${paid.reference}`))
      await engine.cancelCheckout(cancelled.lockId)
      await deliver()
      expect(to(paid.order.email).map(({ subject }) => subject)).toEqual([
        `Your order ${paid.order.number} at Reeperei`,
      ])
      expect(to(cancelled.order.email)).toEqual([])
      expect(to(shop.adminEmail).map(({ subject }) => subject)).toEqual([`New order ${paid.order.number}: $25.00`])
    })

    test('with a later capture says that the buyer has not been charged yet', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 2 }, { engine: byCard })
      const payLater = { token: 'tok_approve', captureLater: true }
      const order = requireOrder(await byCard.processCheckout(lockId, payLater))
      await deliver()
      expect(to(order.email).map(({ text }) => text)).toEqual([
        expect.stringMatching(/^You have not been charged yet\.\sYour\spayment\sof\s\$25\.00\sis\sauthorized\./m),
      ])
      expect(to(shop.adminEmail)[0]?.subject).toBe(`Order ${order.number} awaits capture: $25.00`)
      expect(JSON.stringify([sent, events])).not.toMatch(/tok_|secret/)
      await byCard.captureCheckout(lockId)
    })

    test.each(['tok_approve', 'tok_pending', 'tok_action_required', 'tok_decline', 'tok_timeout_after'])(
      'gets no mail if the gateway settles the payment while the buyer waits: %s',
      async token => {
        const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine: byCard })
        await byCard.processCheckout(lockId, { token })
        await deliver()
        expect(events).toEqual([])
        expect(sent.filter(({ subject }) => /transfer|await|received$/.test(subject))).toEqual([])
      },
    )
  },
  ['postgres'],
)

test('refers to the account given elsewhere, and works without a name', async () => {
  const transfer = { reference: 'RF80100482', iban: null, accountHolder: null, dueAt: '2026-12-06T13:03:27Z' }
  const order = { metadata: { transfer }, shippingAddress: null, billingAddress: null }
  const { text } = await writeMail('order-placed', { order })
  expect(text.replaceAll('\n', ' ')).toContain('Use the bank account that Reeperei Holdfast gave you.')
  expect(text).not.toMatch(/IBAN|^Recipient:|null|undefined/m)
  expect(text).toMatch(/^We have received your order\.$/m)
  expect((await writeMail('order-awaiting-capture', { order })).text).toMatch(/^An order for €225\.67\.$/m)
})

test('is not sent for a free order', async () => {
  await expect(writeMail('order-placed', { order: { totalMinor: 0 } })).rejects.toThrow('sent no mail')
  await expect(writeMail('order-placed', { order: { email: null } })).rejects.toThrow('sent no mail')
})
