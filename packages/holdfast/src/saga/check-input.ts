/** What callers give, checked at the door: misuse throws here, before anything is touched. */

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

/** A character that ends a text in C, or half of a surrogate pair: no database takes them, so a set would fail of them. */
const unstorable = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
const unstorableEscaped = /(?<!\\)(\\\\)*\\u(0000|d[89a-f])/

/** Refuses whatever holds text that the database cannot store. @throws {CheckoutError} `invalid_argument`. */
function checkStorable(value: unknown, name: string): void {
  const json = typeof value === 'string' ? null : JSON.stringify(value)
  const isBad = json === null ? unstorable.test(value as string) : unstorableEscaped.test(json ?? '')
  if (isBad) refuse(`The ${name} holds characters that cannot be stored.`, { argument: name })
}

/** @throws {CheckoutError} `invalid_argument` when it is no UUID. */
export function checkUuid(value: string, name: string): string {
  if (typeof value !== 'string' || !isUuid(value)) refuse(`The ${name} must be a UUID.`)
  return value.toLowerCase()
}

/**
 * Cart ids belong to the shop's cart: any text of 1 to 255 characters.
 * @throws {CheckoutError} `invalid_argument`.
 */
export function checkCartId(value: string): string {
  if (typeof value !== 'string' || value === '' || value.length > 255)
    refuse('The cart id must be 1 to 255 characters.')
  checkStorable(value, 'cart id')
  return value
}

/** @throws {CheckoutError} `invalid_argument` naming what is wrong and what is accepted. */
export function checkStart(
  cartId: string,
  options: StartOptions,
  limits: { ttlMinutes: number; maxTtlMinutes: number },
): StartItem {
  const { sessionId, userId = null, ttlMinutes = limits.ttlMinutes, metadata = {} } = options
  if (typeof sessionId !== 'string' || sessionId === '' || sessionId.length > 200) {
    refuse('sessionId must be 1 to 200 characters.')
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
 * `gateway`: whether it can do without a token, and whether it is paid later whatever was asked. `isCapturedLater`: what
 * the shop does where it was not asked.
 * @throws {CheckoutError} `invalid_argument` for a card without a token, a total that is no amount, a bad address of return.
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
    refuse('method must be card, paypal or bank_transfer.')
  }
  const lacksToken = method === 'card' && (token === null || token === '')
  if (lacksToken && gateway.confirmsInBrowser !== true)
    refuse('A card needs the token that the payment form gave for it.')
  if (token !== null && token.length > 500) refuse('The token is longer than any payment form gives.')
  if (expectedTotalMinor !== undefined && !(Number.isSafeInteger(expectedTotalMinor) && expectedTotalMinor >= 0)) {
    refuse('expectedTotalMinor must be a whole number of minor units.')
  }
  if (payment.returnUrl !== undefined && !/^(https?:\/\/|\/(?!\/))/.test(payment.returnUrl)) {
    refuse('returnUrl must be an http(s) address or a path.')
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
 * What is left out says something (all that is left), so what is no amount, no list or no answer is refused.
 * @throws {CheckoutError} `invalid_argument`, also for text that is too long or cannot be stored.
 */
export function checkRefund(checkoutId: string, options: RefundOptions): RefundItem {
  const { amountMinor, lines, shipping = false, restock = false, reason, key, actor } = options
  if (amountMinor !== undefined && typeof amountMinor !== 'number') refuse('amountMinor must be a number.')
  if (lines !== undefined && !(Array.isArray(lines) && lines.length <= 1_000))
    refuse('lines must be a list of up to 1,000.')
  if (typeof shipping !== 'boolean' || typeof restock !== 'boolean')
    refuse('shipping and restock must be true or false.')
  for (const [name, text, charactersMax] of [
    ['reason', reason, 1_000],
    ['key', key, 255],
    ['actor', actor, 255],
  ] as const) {
    if (text === undefined) continue
    const isText = typeof text === 'string' && text !== '' && text.length <= charactersMax
    if (!isText) refuse(`The ${name} must be 1 to ${charactersMax} characters.`)
    checkStorable(text, name)
  }
  return { checkoutId, amountMinor, lines, shipping, restock, reason, key, actor }
}
