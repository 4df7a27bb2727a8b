/** A mail of each kind, made by the listeners from sample events: for pictures, and for a look at what changed. */
import type { CheckoutEvent, CheckoutEventName } from '../../src/checkout/events.ts'
import type { CheckoutErrorCode, Failure } from '../../src/checkout/failure.ts'
import type { CheckoutLock } from '../../src/checkout/lock.ts'
import type { Order, OrderLine } from '../../src/checkout/order.ts'
import type { PhaseName } from '../../src/checkout/states.ts'
import type { ListenerFunction } from '../../src/events/listeners.ts'
import { createMailListeners, type MailMessage } from '../../src/notify/mail.ts'

const lockId = '0198b7c2-41d7-7c3e-9a52-6f1f0e2b8d10'
const at = '2026-11-22T13:03:27Z'

const line = (lineNo: number, sku: string, title: string, quantity: number, unitMinor: number): OrderLine => ({
  lineNo,
  variantId: lockId,
  sku,
  title,
  quantity,
  unitMinor,
  subtotalMinor: quantity * unitMinor,
  discountMinor: 0,
  taxMinor: 0,
  totalMinor: quantity * unitMinor,
  refundedQuantity: 0,
})

const order: Order = {
  id: '0198b7c2-5a10-7f4d-b3a1-2c9f4d1e7a55',
  number: '100482',
  checkoutId: lockId,
  sessionId: 'session',
  userId: null,
  email: 'ada@example.com',
  status: 'paid',
  currency: 'EUR',
  subtotalMinor: 24_530,
  discountMinor: 2_453,
  taxMinor: 3_602,
  shippingMinor: 490,
  totalMinor: 22_567,
  refundedMinor: 0,
  shippingRefunded: false,
  couponCode: 'AHOY',
  shippingAddress: {
    firstName: 'Ada',
    lastName: 'Byron',
    lineOne: 'Speicherstadt 14',
    lineTwo: 'Boden 3',
    postcode: '20457',
    city: 'Hamburg',
    country: 'DE',
    phone: '+49 40 300 51 0',
  },
  billingAddress: {
    firstName: 'Ada',
    lastName: 'Byron',
    lineOne: 'St James’s Square 12',
    postcode: 'SW1Y 4JH',
    city: 'London',
    country: 'GB',
  },
  shippingMethod: 'standard',
  notes: 'Please leave it with the harbour master.\nHe is in until six.',
  metadata: {},
  lines: [
    line(1, 'LINE-20', 'Mooring line, three-strand polyester, 20 m', 2, 8_990),
    line(2, 'CLEAT', 'Brass cleat', 2, 2_450),
    line(3, 'NEEDLES', 'Sail needles, five in a beech tube', 1, 1_650),
  ],
  placedAt: at,
  paidAt: at,
  cancelledAt: null,
}

function failed(number: number, code: CheckoutErrorCode, phase: PhaseName | null, message: string, context = {}) {
  const id = `0198b7c2-41d7-7c3e-9a52-${String(number).padStart(12, '0')}`
  const failure: Failure = { code, phase, message, context, retryable: true }
  const lock: CheckoutLock = {
    id,
    cartId: lockId,
    sessionId: 'session',
    userId: null,
    state: 'failed',
    phase,
    failure,
    lockedAt: at,
    expiresAt: at,
    completedAt: null,
    failedAt: new Date(Date.parse(at) + number * 2_000).toISOString(),
    metadata: {},
  }
  return { id, lock, failure, occurredAt: at }
}

const declined = (number: number) =>
  failed(number, 'payment_declined', 'payment_authorization', 'The payment was declined: the card has expired.', {
    reason: 'expired_card',
  })
const soldOut = (number: number) =>
  failed(number, 'insufficient_stock', 'inventory_reservation', 'Mooring line, 20 m: 2 wanted, 1 there.', {
    sku: 'LINE-20',
    requested: 2,
    available: 1,
  })
const expired = (number: number) =>
  failed(number, 'checkout_expired', 'payment_authorization', 'The time for this checkout is over.')

const lock = { ...declined(1).lock, id: lockId, state: 'completed', failure: null } as CheckoutLock
const told = { id: lockId, occurredAt: at, lock, order }

/** Every kind of mail by its name. */
export async function sampleMails(): Promise<Map<string, MailMessage>> {
  const sent: MailMessage[] = []
  const { listeners } = createMailListeners({
    transport: { sendMail: async message => sent.push(message) },
    from: 'shop@example.com',
    shopName: 'Reeperei Holdfast',
    baseUrl: 'https://shop.example',
    locale: 'en-GB',
    timeZone: 'Europe/Berlin',
    adminEmail: 'harbour@example.com',
    notifyOnFailure: true,
    notifyOnExpiration: true,
    gatherMs: 1,
  })

  async function write<Name extends CheckoutEventName>(
    name: Name,
    which: string,
    events: Omit<CheckoutEvent<Name>, 'type'>[],
  ) {
    const listener = (listeners[name] ?? []).find(each => each.name === `mail: ${which}`)
    if (listener === undefined || typeof listener === 'function') throw new Error(`there is no listener ${which}`)
    const run = listener.run as ListenerFunction
    sent.length = 0
    const context = { signal: new AbortController().signal, attempt: 1 }
    await Promise.all(events.map(event => run({ ...event, type: name } as unknown as CheckoutEvent, context)))
    const mail = sent.at(-1)
    if (mail === undefined) throw new Error(`no mail of ${which}`)
    return mail
  }

  const crowd = [declined(0), declined(1), declined(2), soldOut(3)]
  const refunded = { ...order, status: 'partially_refunded' as const, refundedMinor: 2_205 }
  return new Map([
    ['order-confirmation', await write('CheckoutCompleted', 'order confirmation', [told])],
    ['new-order', await write('CheckoutCompleted', 'new order', [told])],
    [
      'refund',
      await write('OrderRefunded', 'refund', [
        {
          ...told,
          order: refunded,
          refundedMinor: 2_205,
          lines: [{ lineNo: 2, sku: 'CLEAT', quantity: 1 }],
          shipping: false,
          restocked: true,
        },
      ]),
    ],
    ['checkout-failure', await write('CheckoutFailed', 'checkout failure', crowd)],
    ['checkout-expiry', await write('CheckoutExpired', 'checkout expiry', [expired(9)])],
    [
      'dispute',
      await write('OrderDisputed', 'dispute', [
        {
          ...told,
          dispute: { id: 'dp_1P9xT2', status: 'needs_response', reason: 'product_not_received', amount: 22_567 },
        },
      ]),
    ],
  ])
}
