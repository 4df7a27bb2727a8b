/**
 * The sandbox's validation of gateway calls: turns a call into a request of the ledger, or refuses it. Protects A12: a
 * token is replaced by its behaviour here. A malformed call is refused here, so it cannot fail its batch.
 */
import { validate as isUuid } from 'uuid'
import { isCurrency } from '../../domain/money.ts'
import {
  type AuthorizeRequest,
  type CaptureRequest,
  noCurrency,
  type RefundRequest,
  type VoidRequest,
} from '../gateway.ts'
import { referenceOf, type SandboxRequest } from './payment.ts'
import { behaviourOf } from './tokens.ts'

/** Twelve digits, the limit of card networks. */
const amountMax = 999_999_999_999
const printable = /^[\x20-\x7e]{1,255}$/
const methods: readonly string[] = ['card', 'paypal', 'bank_transfer']

/** The detail of a void that ends a payment but fences no key. */
export const endsOnly = 'void of another payment'

/** True if `text` can be a reference. References from a URL are checked before the ledger reads them. */
export const isReference = (text: string): boolean => printable.test(text)

function wellFormed(request: SandboxRequest): SandboxRequest | null {
  const amountMin = request.kind === 'refund' ? 1 : 0
  const { amountMinor } = request
  const isGood =
    printable.test(request.idempotencyKey) &&
    printable.test(request.reference) &&
    printable.test(request.detail) &&
    isUuid(request.checkoutId) &&
    Number.isSafeInteger(amountMinor) &&
    amountMin <= amountMinor &&
    amountMinor <= amountMax &&
    (request.kind === 'void' || isCurrency(request.currency))
  return isGood ? { ...request, checkoutId: request.checkoutId.toLowerCase() } : null
}

/** The return URL if it is http, https, or a path of the same site; otherwise null. */
function safeReturnUrl(url: string | null): string | null {
  if (url === null || url.length > 2_000 || !/^(https?:\/\/|\/(?![/\\]))[\x21-\x7e]*$/i.test(url)) return null
  return url
}

/** Each function returns null for a malformed call, which is then declined without an effect. */
export const intake = {
  authorize(call: AuthorizeRequest): SandboxRequest | null {
    if (!methods.includes(call.method)) return null
    const behaviour = behaviourOf(call.method, call.token)
    return wellFormed({
      kind: 'authorize',
      idempotencyKey: call.idempotencyKey,
      checkoutId: call.checkoutId,
      reference: referenceOf(call.idempotencyKey),
      amountMinor: call.amountMinor,
      currency: call.currency,
      detail: `${call.method}/${behaviour}`,
      authorization: { method: call.method, behaviour, returnUrl: safeReturnUrl(call.returnUrl) },
    })
  },

  capture(call: CaptureRequest): SandboxRequest | null {
    return wellFormed({
      kind: 'capture',
      idempotencyKey: call.idempotencyKey,
      checkoutId: call.checkoutId,
      reference: call.reference,
      amountMinor: call.amountMinor,
      currency: call.currency,
      detail: `order ${call.orderId}`,
      authorization: null,
    })
  },

  void(call: VoidRequest): SandboxRequest | null {
    const fenced = referenceOf(call.authorizationKey)
    const reference = call.reference ?? fenced
    return wellFormed({
      kind: 'void',
      idempotencyKey: call.idempotencyKey,
      checkoutId: call.checkoutId,
      reference,
      amountMinor: 0,
      currency: noCurrency,
      // Only the payment of this key can be fenced before it arrives. A payment of a different key must already exist.
      detail: reference === fenced ? 'void' : endsOnly,
      authorization: null,
    })
  },

  refund(call: RefundRequest): SandboxRequest | null {
    return wellFormed({
      kind: 'refund',
      idempotencyKey: call.idempotencyKey,
      checkoutId: call.checkoutId,
      reference: call.reference,
      amountMinor: call.amountMinor,
      currency: call.currency,
      detail: 'refund',
      authorization: null,
    })
  },
}
