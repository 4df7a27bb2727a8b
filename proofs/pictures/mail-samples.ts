/** One sample email of each kind, written by the mail listeners from sample events. For pictures and tests. */
import type { CheckoutEvent, CheckoutEventName } from '../../packages/holdfast/src/domain/events.ts'
import type { CheckoutErrorCode, Failure } from '../../packages/holdfast/src/domain/failure.ts'
import type { CheckoutLock } from '../../packages/holdfast/src/domain/lock.ts'
import type { Order, OrderLine, Transfer } from '../../packages/holdfast/src/domain/order.ts'
import type { PhaseName } from '../../packages/holdfast/src/domain/states.ts'
import type { ListenerFunction } from '../../packages/holdfast/src/events/listeners.ts'
import {
  createMailListeners,
  type MailMessage,
  type MailOptions,
} from '../../packages/holdfast/src/notify/mail/mail.ts'

const lockId = '0198b7c2-41d7-7c3e-9a52-6f1f0e2b8d10'
const at = '2026-11-22T13:03:27Z'

const line = (lineNo: number, sku: string, title: string, quantity: number, unitMinor: number): OrderLine => ({
  lineNo,
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

export const sampleOrder: Order = {
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

const transfer: Transfer = {
  reference: 'RF80100482',
  iban: 'DE89370400440532013000',
  accountHolder: 'Reeperei Holdfast GmbH',
  dueAt: '2026-12-06T13:03:27Z',
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
  failed(number, 'insufficient_stock', 'inventory_reservation', 'Only 1 of LINE-20 is left; you asked for 2.', {
    sku: 'LINE-20',
    requested: 2,
    available: 1,
  })
const expired = (number: number) =>
  failed(number, 'checkout_expired', 'payment_authorization', 'This checkout has expired. You have not been charged.')

const lock = { ...declined(1).lock, id: lockId, state: 'completed', failure: null } as CheckoutLock

export type MailKind =
  | 'order-confirmation'
  | 'new-order'
  | 'order-placed'
  | 'order-awaiting-capture'
  | 'refund'
  | 'dispute'
  | 'checkout-failure'
  | 'checkout-expiry'

export interface SampleChanges {
  order?: Partial<Order>
  failure?: Failure
  /** The number of identical failures. */
  failureCount?: number
  shop?: Partial<MailOptions>
}

type SampleEvents = Record<MailKind, { name: CheckoutEventName; events: object[] }>

function sampleEvents({ order: changes, failure, failureCount }: SampleChanges): SampleEvents {
  const order = { ...sampleOrder, ...changes }
  const common = { id: lockId, occurredAt: at, lock, order }
  const waiting = {
    ...common,
    order: { ...sampleOrder, status: 'pending', paidAt: null, metadata: { transfer }, ...changes },
  }
  const refund = { refundedMinor: 2_205, lines: [{ lineNo: 2, sku: 'CLEAT', quantity: 1 }], shipping: false }
  const dispute = { id: 'dp_1P9xT2', status: 'needs_response', reason: 'product_not_received', amount: 22_567 }
  const failures =
    failure !== undefined
      ? [{ ...declined(0), failure }]
      : failureCount !== undefined
        ? Array.from({ length: failureCount + 1 }, (_, number) => declined(number))
        : [declined(0), declined(1), declined(2), soldOut(3)]
  return {
    'order-confirmation': { name: 'CheckoutCompleted', events: [common] },
    'new-order': { name: 'CheckoutCompleted', events: [common] },
    'order-placed': { name: 'OrderAwaitingCapture', events: [waiting] },
    'order-awaiting-capture': { name: 'OrderAwaitingCapture', events: [waiting] },
    refund: { name: 'OrderRefunded', events: [{ ...common, order: { ...order, refundedMinor: 2_205 }, ...refund }] },
    dispute: { name: 'OrderDisputed', events: [{ ...common, dispute }] },
    'checkout-failure': { name: 'CheckoutFailed', events: failures },
    'checkout-expiry': { name: 'CheckoutExpired', events: [expired(9)] },
  }
}

/** The last mail that the listener of a kind writes about the samples. For failures: the summary after the first. */
export async function writeMail(kind: MailKind, changes: SampleChanges = {}): Promise<MailMessage> {
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
    windowMs: 1,
    ...changes.shop,
  })
  const { name, events } = sampleEvents(changes)[kind]
  const listener = (listeners[name] ?? []).find(each => each.name === `mail.${kind}`)
  if (listener === undefined || typeof listener === 'function') throw new Error(`unknown listener mail.${kind}`)
  const run = listener.run as ListenerFunction
  await Promise.all(
    events.map(event =>
      run({ ...event, type: name } as unknown as CheckoutEvent, { signal: new AbortController().signal, attempt: 1 }),
    ),
  )
  const mail = sent.at(-1)
  if (mail === undefined) throw new Error(`the listener mail.${kind} sent no mail`)
  return mail
}

export const mailKinds = [
  'order-confirmation',
  'new-order',
  'order-placed',
  'order-awaiting-capture',
  'refund',
  'dispute',
  'checkout-failure',
  'checkout-expiry',
] as const satisfies readonly MailKind[]
