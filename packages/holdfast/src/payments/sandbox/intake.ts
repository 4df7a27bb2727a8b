/**
 * The sandbox's border: turns a gateway call into a request of the ledger, or refuses it. Protects invariant A12: the
 * token ends here, and only its behaviour goes on. Also the promise that no malformed call spoils the set it came in.
 */
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

/** Twelve digits, as card networks have them. */
const amountMax = 999_999_999_999
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const printable = /^[\x20-\x7e]{1,255}$/
const methods: readonly string[] = ['card', 'paypal', 'bank_transfer']

/** The detail of a void that fences nothing. */
export const endsOnly = 'void of another payment'

/** Whether it could be a reference at all. What comes from an address line is checked before the ledger sees it. */
export const isReference = (text: string): boolean => printable.test(text)

function wellFormed(request: SandboxRequest): SandboxRequest | null {
  const amountMin = request.kind === 'refund' ? 1 : 0
  const { amountMinor } = request
  const good =
    printable.test(request.idempotencyKey) &&
    printable.test(request.reference) &&
    printable.test(request.detail) &&
    uuid.test(request.checkoutId) &&
    Number.isSafeInteger(amountMinor) &&
    amountMin <= amountMinor &&
    amountMinor <= amountMax &&
    (request.kind === 'void' || isCurrency(request.currency))
  return good ? { ...request, checkoutId: request.checkoutId.toLowerCase() } : null
}

/** A page to send the buyer back to: http, https or a path of the same site; anything else is dropped. */
function safeReturnUrl(url: string | null): string | null {
  if (url === null || url.length > 2_000 || !/^(https?:\/\/|\/(?![/\\]))[\x21-\x7e]*$/i.test(url)) return null
  return url
}

/** Each gives null for a call that makes no sense: a definite refusal, without effect. */
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
      // A payment that is no authorization of this key is ended where it is; only the key's own is fenced before it comes.
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
