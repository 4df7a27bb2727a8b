/**
 * A simulated buyer: fills a cart, starts a checkout, pays, and retries in the same session if an answer is lost. The
 * record of the answers is the other half of A9.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, createBrowser, type Reply } from './browser.ts'

export interface AcknowledgedOrder {
  id: string
  number: string
  lockId: string
  status: string
  currency: string
  total: number
}

/** How a visit ended, as far as the buyer knows. */
export type Ending =
  | { kind: 'ordered'; order: AcknowledgedOrder }
  /** A clear refusal. `lockId` is null if the request was refused without a failed checkout. */
  | { kind: 'refused'; status: number; code: string; lockId: string | null; context: Record<string, unknown> }
  /** The buyer left without a final answer. */
  | { kind: 'left' }
  /** There was no final answer before the end of the run. */
  | { kind: 'unanswered' }

export interface BuyerRecord {
  token: string | null
  cartId: string | null
  /** The total shown when the checkout started, in minor units. */
  total: number | null
  /** Payments sent, including repetitions. */
  payments: number
  /** Requests of any kind without an answer. */
  lostAnswers: number
  /** Answers that only a defect of the server explains: 500 without a failed checkout. */
  serverErrors: string[]
  /** An answer said that the checkout was cancelled, or was being cancelled. */
  wasCancelled?: boolean
  ending: Ending
}

/** The action that the gateway requires from the buyer, as passed on by the shop. */
export type Action =
  | { type: 'redirect'; url: string }
  | { type: 'confirm'; payment: string; client_secret: string; publishable_key: string }

export interface Payment {
  /** Null: no token is sent; the buyer confirms in the browser. */
  token: string | null
  /** Default: `card`. */
  method?: 'card' | 'bank_transfer'
  /** Performs the required action. Default: nothing. */
  confirm?(action: Action): Promise<void>
}

export interface BuyerOptions extends Payment {
  origin(): string
  line: { sku: string; quantity: number }
  /** A coupon code for the cart. */
  coupon?: string
  /** Sends the ID of the checkout in each request; otherwise only the session identifies it. */
  sendsLockId: boolean
  /** Leaves at the first lost answer to a payment. */
  isImpatient?: boolean
  /** Called just before each payment is sent. */
  onPayment?(): void
  /** True: no new attempt. */
  isOver(): boolean
}

export interface Buyer {
  readonly record: BuyerRecord
  /** Fills the cart and starts the checkout. False if that was refused or the run ended before. */
  prepare(): Promise<boolean>
  /** Pays until the answer is final, and returns the record. */
  pay(): Promise<BuyerRecord>
  /** Sends one payment and returns the answer. */
  payOnce(): Promise<Reply>
  /** Leaves without paying. */
  leave(): void
  /** Requests once that the checkout be cancelled, and returns the answer. */
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

export function orderOf(answer: Answer): AcknowledgedOrder | null {
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
  const { line, token, method = 'card', sendsLockId, isImpatient = false, isOver } = options
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

  /** Repeats an idempotent request until it is answered as wanted, or with a final answer. */
  async function repeat(request: () => Promise<Reply>, wanted: (answer: Answer) => boolean): Promise<Answer | null> {
    while (!isOver()) {
      const answer = await request()
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
    // Adding a line is not idempotent: after a lost answer, read the cart first.
    const added = await repeat(async () => {
      const seen = record.lostAnswers === 0 ? null : await browser.get('/cart')
      return seen !== null && holdsLine(seen) ? seen : browser.send('POST', '/cart/lines', line)
    }, holdsLine)
    if (added === null) return null
    if (options.coupon !== undefined) {
      const { coupon: code } = options
      const accepted = await repeat(
        () => browser.send('PUT', '/cart/coupon', { code }),
        answer => answer.status === 200,
      )
      if (accepted === null) return null
    }
    const addresses = { email: `buyer-${added.body.id}@example.com`, shipping_address: address }
    return repeat(
      () => browser.send('PUT', '/cart/addresses', addresses),
      answer => answer.status === 200,
    )
  }

  async function prepare(): Promise<boolean> {
    const cart = await fill()
    if (cart === null) return false
    record.cartId = String(cart.body.id)
    const started = await repeat(
      () => browser.get('/checkout'),
      answer => answer.status === 200,
    )
    if (started === null) return false
    lockId = String(started.body.lock_id)
    record.total = (started.body.totals as { total: number }).total
    return true
  }

  const lockOf = () => (sendsLockId ? { lock_id: lockId } : {})

  function payOnce(): Promise<Reply> {
    record.payments += 1
    options.onPayment?.()
    return browser.send('POST', '/checkout', {
      ...lockOf(),
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

  /** The ending that an answer means; null if the answer is not final. */
  function endingOf(answer: Answer): Ending | null {
    const order = orderOf(answer)
    if (order !== null) return { kind: 'ordered', order }
    if (answer.status < 400) return null
    const { code, lock_id: failed, retryable, context = {} } = answer.body
    const ofCheckout = typeof failed === 'string' ? failed : null
    // Without a failed checkout, a retryable refusal or a server error is not final.
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
    /** The checkout that the last answer called in progress. */
    let waitingFor: unknown = null
    while (!isOver()) {
      const isWaiting = waitingFor !== null
      const answer: Reply = isWaiting
        ? await browser.send('POST', '/checkout/resume', { lock_id: waitingFor })
        : await payOnce()
      const ending = answer === null ? null : endingOf(answer)
      // A refusal to resume is not final for the payment, which is sent again.
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
