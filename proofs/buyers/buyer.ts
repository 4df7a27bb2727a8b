/**
 * A buyer at the door of the shop: fills a cart, starts, pays, and tries again in the same session whenever an answer
 * is lost. What it was told is written down word for word: the other half of A9.
 */
import { type Answer, createBrowser, type Reply } from './browser.ts'

export interface ToldOrder {
  id: string
  number: string
  lockId: string
  status: string
  currency: string
  total: number
}

/** How it ended, as far as the buyer knows. */
export type Ending =
  | { kind: 'ordered'; order: ToldOrder }
  /** A clear no. `lockId` is null where no checkout failed but the request itself was refused. */
  | { kind: 'refused'; status: number; code: string; lockId: string | null; context: Record<string, unknown> }
  /** Left of its own accord, without a final answer. */
  | { kind: 'left' }
  /** Still without a final answer when time was up. */
  | { kind: 'unanswered' }

export interface BuyerRecord {
  token: string | null
  cartId: string | null
  /** What the cart was said to cost when the checkout began, in minor units. */
  total: number | null
  /** Payments sent, repetitions included. */
  payments: number
  /** Requests of any kind that no answer came to. */
  lostAnswers: number
  /** Answers that only a fault of the server explains: 500 without a failed checkout. */
  serverErrors: string[]
  /** It was told that its checkout is cancelled, or is being so. */
  wasCancelled?: boolean
  ending: Ending
}

/** What the gateway wants of the buyer, as the shop passes it on. */
export type Action =
  | { type: 'redirect'; url: string }
  | { type: 'confirm'; payment: string; client_secret: string; publishable_key: string }

export interface Payment {
  /** Null: none is sent, the buyer confirms in the browser. */
  token: string | null
  /** Default a card. */
  method?: 'card' | 'bank_transfer'
  /** Does what the gateway wants; default nothing. */
  confirm?(action: Action): Promise<void>
}

export interface BuyerOptions extends Payment {
  origin(): string
  line: { sku: string; quantity: number }
  /** A code that it uses on its cart. */
  coupon?: string
  /** Names its checkout in every request, as a careful client does; else the session alone says whose it is. */
  namesLock: boolean
  /** Leaves at the first lost answer to a payment. */
  isImpatient?: boolean
  /** Told just before each payment is sent. */
  onPayment?(): void
  /** No new attempt after this. */
  isOver(): boolean
}

export interface Buyer {
  readonly record: BuyerRecord
  /** Fills the cart and starts the checkout. False when that was refused, or it was over before. */
  prepare(): Promise<boolean>
  /** Pays until the answer is final, and gives the record. */
  pay(): Promise<BuyerRecord>
  /** Sends one payment, and gives what came back. */
  payOnce(): Promise<Reply>
  /** Goes away without paying. */
  leave(): void
  /** Asks once for its checkout to be cancelled, and gives what came back. */
  cancel(): Promise<Reply>
}

const answerMs = 8_000
const pauseMs = 100
const pollMaxMs = 1_000
const address = {
  first_name: 'Ada',
  last_name: 'Lovelace',
  line_one: 'Hafenstraße 1',
  city: 'Hamburg',
  postcode: '20457',
  country: 'DE',
}

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

export function orderOf(answer: Answer): ToldOrder | null {
  const order = answer.body.order as Record<string, unknown> | undefined
  if (answer.status !== 201 || order === undefined) return null
  return {
    id: String(order.id),
    number: String(order.number),
    lockId: String(order.lock_id),
    status: String(order.status),
    currency: String(order.currency),
    total: Number(order.total),
  }
}

export function createBuyer(options: BuyerOptions): Buyer {
  const { line, token, method = 'card', namesLock, isImpatient = false, isOver } = options
  const browser = createBrowser({ origin: options.origin, timeoutMs: answerMs })
  let lockId: string | null = null
  const record: BuyerRecord = {
    token,
    cartId: null,
    total: null,
    payments: 0,
    lostAnswers: 0,
    serverErrors: [],
    ending: { kind: 'unanswered' },
  }

  /** Asks until it is answered as wanted. Everything asked in this way may be asked twice. */
  async function insist(ask: () => Promise<Reply>, wanted: (answer: Answer) => boolean): Promise<Answer | null> {
    while (!isOver()) {
      const answer = await ask()
      if (answer !== null && wanted(answer)) return answer
      const ending = answer === null ? null : endingOf(answer)
      if (ending !== null) {
        record.ending = ending
        return null
      }
      note(answer)
      await pause(pauseMs)
    }
    return null
  }

  function note(answer: Reply): void {
    if (answer === null) record.lostAnswers += 1
    else if (answer.status === 500) record.serverErrors.push(JSON.stringify(answer.body))
  }

  async function fill(): Promise<Answer | null> {
    const holdsLine = (answer: Answer) => Array.isArray(answer.body.lines) && answer.body.lines.length > 0
    // Adding is not idempotent: after a lost answer the cart is looked at before anything is added again.
    const added = await insist(async () => {
      const seen = record.lostAnswers === 0 ? null : await browser.get('/cart')
      return seen !== null && holdsLine(seen) ? seen : browser.send('POST', '/cart/lines', line)
    }, holdsLine)
    if (added === null) return null
    if (options.coupon !== undefined) {
      const { coupon: code } = options
      const accepted = await insist(
        () => browser.send('PUT', '/cart/coupon', { code }),
        answer => answer.status === 200,
      )
      if (accepted === null) return null
    }
    const addresses = { email: `buyer-${added.body.id}@example.com`, shipping_address: address }
    return insist(
      () => browser.send('PUT', '/cart/addresses', addresses),
      answer => answer.status === 200,
    )
  }

  async function prepare(): Promise<boolean> {
    const cart = await fill()
    if (cart === null) return false
    record.cartId = String(cart.body.id)
    const started = await insist(
      () => browser.get('/checkout'),
      answer => answer.status === 200,
    )
    if (started === null) return false
    lockId = String(started.body.lock_id)
    record.total = (started.body.totals as { total: number }).total
    return true
  }

  const named = () => (namesLock ? { lock_id: lockId } : {})

  function payOnce(): Promise<Reply> {
    record.payments += 1
    options.onPayment?.()
    return browser.send('POST', '/checkout', {
      ...named(),
      payment_method: method,
      ...(token === null ? {} : { payment_token: token }),
      expected_total: record.total,
    })
  }

  async function cancel(): Promise<Reply> {
    const answer = await browser.send('POST', '/checkout/cancel', { lock_id: lockId })
    if (answer !== null && answer.status < 300 && answer.body.success === true) record.wasCancelled = true
    note(answer)
    return answer
  }

  /** The end that an answer means; null when it is not the end. */
  function endingOf(answer: Answer): Ending | null {
    const order = orderOf(answer)
    if (order !== null) return { kind: 'ordered', order }
    if (answer.status < 400) return null
    const { code, lock_id: failed, retryable, context = {} } = answer.body
    const ofCheckout = typeof failed === 'string' ? failed : null
    // Without a checkout that failed, "try again" and a fault of the server are no last words.
    if (ofCheckout === null && (retryable === true || answer.status >= 500)) return null
    return {
      kind: 'refused',
      status: answer.status,
      code: String(code),
      lockId: ofCheckout,
      context: context as Record<string, unknown>,
    }
  }

  async function pay(): Promise<BuyerRecord> {
    /** The checkout that was said to be under way. */
    let waitingFor: unknown = null
    while (!isOver()) {
      const isWaiting = waitingFor !== null
      const answer: Reply = isWaiting
        ? await browser.send('POST', '/checkout/resume', { lock_id: waitingFor })
        : await payOnce()
      const ending = answer === null ? null : endingOf(answer)
      // That there is nothing to resume is no last word on the payment: it is sent again.
      if (ending !== null && !(isWaiting && ending.kind === 'refused' && ending.lockId === null)) {
        record.ending = ending
        return record
      }
      note(answer)
      if (answer === null && isImpatient) {
        record.ending = { kind: 'left' }
        return record
      }
      if (answer !== null) waitingFor = answer.status === 202 ? answer.body.lock_id : null
      const action = answer?.status === 202 ? (answer.body.action as Action | undefined) : undefined
      if (action !== undefined) await options.confirm?.(action)
      const pollAfterMs = Number(answer?.body.poll_after_ms ?? (action === undefined ? pauseMs : pollMaxMs))
      await pause(Math.min(pollAfterMs, pollMaxMs))
    }
    return record
  }

  const leave = () => {
    record.ending = { kind: 'left' }
  }

  return { record, prepare, pay, payOnce, leave, cancel }
}
