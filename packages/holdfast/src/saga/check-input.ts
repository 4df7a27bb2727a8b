/** Validates the arguments of engine calls. Misuse throws here, before anything is read or written. */

import { validate as isUuid } from 'uuid'
import type { CheckoutDetails } from '../database/checkout-row.ts'
import { CheckoutError } from '../domain/failure.ts'
import type { PaymentInput, RefundOptions, StartOptions } from '../engine/checkout-engine.ts'
import type { PaymentGateway } from '../payments/gateway.ts'
import type { RefundItem } from './refunds/refund.ts'
import type { PrepareItem } from './steps/prepare.ts'
import type { StartItem } from './steps/start.ts'

function refuse(message: string, context: Record<string, unknown> = {}): never {
  throw new CheckoutError('invalid_argument', message, { context })
}

/** NUL or half of a surrogate pair. PostgreSQL stores neither, so one such text would fail a whole batch. */
const unstorable = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
const unstorableEscaped = /(?<!\\)(\\\\)*\\u(0000|d[89a-f])/

/** @throws {CheckoutError} `invalid_argument` if `value` contains text that the database cannot store. */
function checkStorable(value: unknown, name: string): void {
  const json = typeof value === 'string' ? null : JSON.stringify(value)
  const isBad = json === null ? unstorable.test(value as string) : unstorableEscaped.test(json ?? '')
  if (isBad) refuse(`The ${name} must not contain a NUL character or an unpaired surrogate.`, { argument: name })
}

/** Returns the UUID in lower case. @throws {CheckoutError} `invalid_argument` if `value` is not a UUID. */
export function checkUuid(value: string, name: string): string {
  if (typeof value !== 'string' || !isUuid(value)) refuse(`The ${name} must be a UUID.`)
  return value.toLowerCase()
}

/**
 * The shop's carts choose their IDs, so any text of 1 to 255 characters is accepted.
 * @throws {CheckoutError} `invalid_argument`.
 */
export function checkCartId(value: string): string {
  if (typeof value !== 'string' || value === '' || value.length > 255)
    refuse('The cart id must be 1 to 255 characters long.')
  checkStorable(value, 'cart id')
  return value
}

/** @throws {CheckoutError} `invalid_argument`; the message names the argument and the accepted values. */
export function checkStart(
  cartId: string,
  options: StartOptions,
  limits: { ttlMinutes: number; maxTtlMinutes: number },
): StartItem {
  const { sessionId, userId = null, ttlMinutes = limits.ttlMinutes, metadata = {} } = options
  if (typeof sessionId !== 'string' || sessionId === '' || sessionId.length > 200) {
    refuse('sessionId must be 1 to 200 characters long.')
  }
  checkStorable(sessionId, 'session id')
  checkStorable(userId ?? '', 'user id')
  checkStorable(metadata, 'metadata')
  if (!Number.isFinite(ttlMinutes) || ttlMinutes <= 0 || ttlMinutes > limits.maxTtlMinutes) {
    refuse(`ttlMinutes must be more than 0 and at most ${limits.maxTtlMinutes}.`, { ttlMinutes })
  }
  return {
    cartId: checkCartId(cartId),
    sessionId,
    userId,
    ttlMs: Math.max(1, Math.round(ttlMinutes * 60_000)),
    metadata,
  }
}

/**
 * @param gateway `confirmsInBrowser`: a card needs no token. `paidLater`: capture is always later.
 * @param isCapturedLater the shop's default if the payment does not set `captureLater`.
 * @throws {CheckoutError} `invalid_argument`; the message names the argument and the accepted values.
 */
export function checkPayment(
  lockId: string,
  payment: PaymentInput,
  sessionId: string | null,
  gateway: Partial<Pick<PaymentGateway, 'confirmsInBrowser' | 'paidLater'>>,
  isCapturedLater = false,
): PrepareItem {
  const { method = 'card', token = null, expectedTotalMinor } = payment
  if (method !== 'card' && method !== 'paypal' && method !== 'bank_transfer') {
    refuse('method must be card, paypal, or bank_transfer.')
  }
  const lacksToken = method === 'card' && (token === null || token === '')
  if (lacksToken && gateway.confirmsInBrowser !== true)
    refuse('A card payment requires the token that the payment form returned.')
  if (token !== null && token.length > 500) refuse('token must be at most 500 characters long.')
  if (expectedTotalMinor !== undefined && !(Number.isSafeInteger(expectedTotalMinor) && expectedTotalMinor >= 0)) {
    refuse('expectedTotalMinor must be a whole number of minor units, 0 or more.')
  }
  if (payment.returnUrl !== undefined && !/^(https?:\/\/|\/(?!\/))/.test(payment.returnUrl)) {
    refuse('returnUrl must be an http(s) URL or a path that starts with one "/".')
  }
  const captureLater = gateway.paidLater === true || (payment.captureLater ?? isCapturedLater)
  const details: Partial<CheckoutDetails> = {
    ...(payment.email === undefined ? {} : { email: payment.email }),
    ...(payment.shippingAddress === undefined ? {} : { shippingAddress: payment.shippingAddress }),
    ...(payment.billingAddress === undefined ? {} : { billingAddress: payment.billingAddress }),
    ...(payment.shippingMethod === undefined ? {} : { shippingMethod: payment.shippingMethod }),
    ...(payment.notes === undefined ? {} : { notes: payment.notes }),
    ...(payment.returnUrl === undefined ? {} : { returnUrl: payment.returnUrl }),
    captureLater,
    ...(lacksToken ? { confirmsInBrowser: true } : {}),
  }
  checkStorable(details, 'payment')
  return { lockId: checkUuid(lockId, 'lock id'), sessionId, method, token, details, expectedTotalMinor }
}

/**
 * A missing amount means "all that is left", so a value of the wrong type is refused and never taken as missing.
 * @throws {CheckoutError} `invalid_argument`, also for text that is too long or cannot be stored.
 */
export function checkRefund(checkoutId: string, options: RefundOptions): RefundItem {
  const { amountMinor, lines, shipping = false, restock = false, reason, key, actor } = options
  if (amountMinor !== undefined && typeof amountMinor !== 'number') refuse('amountMinor must be a number.')
  if (lines !== undefined && !(Array.isArray(lines) && lines.length <= 1_000))
    refuse('lines must be an array of at most 1,000 lines.')
  if (typeof shipping !== 'boolean' || typeof restock !== 'boolean')
    refuse('shipping and restock must be true or false.')
  for (const [name, text, charactersMax] of [
    ['reason', reason, 1_000],
    ['key', key, 255],
    ['actor', actor, 255],
  ] as const) {
    if (text === undefined) continue
    const isText = typeof text === 'string' && text !== '' && text.length <= charactersMax
    if (!isText) refuse(`The ${name} must be 1 to ${charactersMax} characters long.`)
    checkStorable(text, name)
  }
  return { checkoutId, amountMinor, lines, shipping, restock, reason, key, actor }
}
