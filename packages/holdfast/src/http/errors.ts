/** Errors as HTTP responses: the only place that maps a code to a status and decides what a client may read. */
import { STATUS_CODES } from 'node:http'
import { HTTPException } from 'hono/http-exception'
import { LaneFull } from '../concurrency/lane.ts'
import { DatabaseError } from '../database/database.ts'
import { CheckoutError, type CheckoutErrorCode, type Failure } from '../domain/failure.ts'
import type { PhaseName } from '../domain/states.ts'

/** Errors that only the HTTP layer produces. */
export type HttpErrorCode =
  | 'malformed_json'
  | 'unsupported_media_type'
  | 'body_too_large'
  | 'invalid_request'
  | 'card_data_refused'
  | 'cross_site'
  | 'csrf_token_invalid'
  | 'not_acceptable'
  | 'not_found'
  | 'product_not_found'
  | 'method_not_allowed'
  | 'rate_limited'
  | 'webhook_refused'
  | 'admin_closed'
  | 'delivery_running'
  | 'webhook_done'
  | 'admin_unauthorized'
  | 'metrics_closed'
  | 'metrics_unauthorized'
  | 'unavailable'
  | 'internal_error'

export type ErrorCode = CheckoutErrorCode | HttpErrorCode

const statuses: Readonly<Record<ErrorCode, number>> = {
  cart_empty: 422,
  address_missing: 422,
  address_invalid: 422,
  email_missing: 422,
  variant_unavailable: 422,
  price_missing: 422,
  shipping_unavailable: 422,
  insufficient_stock: 409,
  coupon_invalid: 422,
  coupon_exhausted: 422,
  cart_changed: 409,
  payment_declined: 402,
  payment_mismatch: 502,
  payment_unsettled: 502,
  capture_refused: 402,
  authorization_ended: 402,
  checkout_expired: 409,
  checkout_cancelled: 409,
  checkout_released: 409,
  cart_not_found: 404,
  cart_locked: 423,
  cart_ordered: 409,
  checkout_not_found: 404,
  checkout_not_active: 409,
  checkout_in_progress: 409,
  not_capturable: 409,
  not_refundable: 409,
  refund_refused: 402,
  order_not_found: 404,
  overloaded: 503,
  closed: 503,
  invalid_argument: 422,
  malformed_json: 400,
  unsupported_media_type: 415,
  body_too_large: 413,
  invalid_request: 422,
  card_data_refused: 422,
  cross_site: 403,
  csrf_token_invalid: 403,
  not_acceptable: 406,
  not_found: 404,
  product_not_found: 404,
  method_not_allowed: 405,
  rate_limited: 429,
  webhook_refused: 400,
  admin_closed: 403,
  delivery_running: 409,
  webhook_done: 409,
  admin_unauthorized: 401,
  metrics_closed: 403,
  metrics_unauthorized: 401,
  unavailable: 503,
  internal_error: 500,
}

/** Every code that the library or HTTP answers with. */
export const errorCodes = Object.keys(statuses) as readonly ErrorCode[]

export function statusOf(code: ErrorCode): number {
  return statuses[code]
}

/** A request that the HTTP layer rejects. `message` is a sentence for people and never contains input. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly code: HttpErrorCode
  readonly context: Record<string, unknown> | undefined
  readonly headers: Record<string, string>
  constructor(
    code: HttpErrorCode,
    message: string,
    options: { context?: Record<string, unknown>; headers?: Record<string, string> } = {},
  ) {
    super(message)
    this.code = code
    this.context = options.context
    this.headers = options.headers ?? {}
  }
}

/** The body of every error. */
export interface ErrorBody {
  /** The reason phrase of the status: "Payment Required". */
  error: string
  code: ErrorCode
  message: string
  phase?: PhaseName
  context?: Record<string, unknown>
  /** True if the same request may succeed later. */
  retryable?: boolean
  lock_id?: string
  /** Identifies the line in the server's log. Only on unexpected errors. */
  request_id?: string
}

/** An error as an HTTP response. */
export interface Refusal {
  status: number
  headers: Record<string, string>
  body: ErrorBody
  /** True for errors that belong in the server's log. */
  unexpected: boolean
}

function refusal(
  code: ErrorCode,
  message: string,
  rest: Partial<Omit<ErrorBody, 'error' | 'code' | 'message'>> = {},
  headers: Record<string, string> = {},
): Refusal {
  const status = statuses[code]
  const retryAfter: Record<string, string> = status === 503 ? { 'Retry-After': '2' } : {}
  return {
    status,
    headers: { ...retryAfter, ...headers },
    body: { error: STATUS_CODES[status] ?? 'Error', code, message, ...rest },
    unexpected: false,
  }
}

function detailsOf(failure: Pick<Failure, 'phase' | 'context' | 'retryable'>): Partial<ErrorBody> {
  return {
    ...(failure.phase === null ? {} : { phase: failure.phase }),
    ...(Object.keys(failure.context).length === 0 ? {} : { context: failure.context }),
    retryable: failure.retryable,
  }
}

/** The response for a failed checkout. */
export function refusalOfFailure(failure: Failure, lockId: string): Refusal {
  return refusal(failure.code, failure.message, { ...detailsOf(failure), lock_id: lockId })
}

/** Codes of a database that is unreachable, has no free connection, or left a commit unconfirmed: a retry is right. */
const outageCodes: ReadonlySet<string> = new Set(['connection_lost', 'pool_exhausted', 'commit_unknown'])

/** The response for any exception. An unexpected error discloses only its request ID. */
export function refusalOf(error: unknown, requestId: string): Refusal {
  if (error instanceof HttpError) {
    return refusal(error.code, error.message, error.context ? { context: error.context } : {}, error.headers)
  }
  if (error instanceof CheckoutError) return refusal(error.code, error.message, detailsOf(error))
  if (error instanceof LaneFull) {
    return refusal('overloaded', 'The shop is busy. Try again in a moment.', { retryable: true })
  }
  if (error instanceof DatabaseError && outageCodes.has(error.code)) {
    const outage = refusal('unavailable', 'The shop is temporarily unavailable. Try again in a moment.', {
      retryable: true,
      request_id: requestId,
    })
    return { ...outage, unexpected: true }
  }
  if (error instanceof HTTPException) {
    if (error.status === 415) return refusal('unsupported_media_type', 'Send application/json.')
    if (error.status === 400) return refusal('malformed_json', 'The body is not valid JSON.')
  }
  const message = 'An internal error occurred. The request may not have been processed.'
  return { ...refusal('internal_error', message, { request_id: requestId }), unexpected: true }
}
