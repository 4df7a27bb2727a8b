/** Every refusal as HTTP: the only place where a code becomes a status, and where what a client may read is decided. */
import { STATUS_CODES } from 'node:http'
import { HTTPException } from 'hono/http-exception'
import { LaneFull } from '../concurrency/lane.ts'
import { DatabaseError } from '../database/database.ts'
import { CheckoutError, type CheckoutErrorCode, type Failure } from '../domain/failure.ts'
import type { PhaseName } from '../domain/states.ts'

/** Refusals that only exist at the door. */
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

/** The HTTP status of a code. */
export function statusOf(code: ErrorCode): number {
  return statuses[code]
}

/** A request refused at the door. `message` is one sentence for people and never repeats what was sent. */
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
  /** The status in words: "Payment Required". */
  error: string
  code: ErrorCode
  message: string
  phase?: PhaseName
  context?: Record<string, unknown>
  /** True when the same request may succeed later. */
  retryable?: boolean
  lock_id?: string
  /** Names the line in the server's log; only with unexpected errors. */
  request_id?: string
}

export interface Refusal {
  status: number
  headers: Record<string, string>
  body: ErrorBody
  /** True when nobody expected it: it belongs in the log. */
  unexpected: boolean
}

function refuse(
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

function particulars(failure: Pick<Failure, 'phase' | 'context' | 'retryable'>): Partial<ErrorBody> {
  return {
    ...(failure.phase === null ? {} : { phase: failure.phase }),
    ...(Object.keys(failure.context).length === 0 ? {} : { context: failure.context }),
    retryable: failure.retryable,
  }
}

/** A checkout that failed, as an answer. */
export function refusalOfFailure(failure: Failure, lockId: string): Refusal {
  return refuse(failure.code, failure.message, { ...particulars(failure), lock_id: lockId })
}

/** The database is away, or has no room, or was lost before it said what became of a commit: asking again is right. */
const ofOutages: ReadonlySet<string> = new Set(['connection_lost', 'pool_exhausted', 'commit_unknown'])

/** Any exception as an answer. What is not expected says nothing of itself but its request id. */
export function refusalOf(error: unknown, requestId: string): Refusal {
  if (error instanceof HttpError) {
    return refuse(error.code, error.message, error.context ? { context: error.context } : {}, error.headers)
  }
  if (error instanceof CheckoutError) return refuse(error.code, error.message, particulars(error))
  if (error instanceof LaneFull) {
    return refuse('overloaded', 'Many people are checking out right now; try again in a moment.', { retryable: true })
  }
  if (error instanceof DatabaseError && ofOutages.has(error.code)) {
    const answer = refuse('unavailable', 'The shop is out of reach for a moment; try again shortly.', {
      retryable: true,
      request_id: requestId,
    })
    return { ...answer, unexpected: true }
  }
  if (error instanceof HTTPException) {
    if (error.status === 415) return refuse('unsupported_media_type', 'Send application/json.')
    if (error.status === 400) return refuse('malformed_json', 'The body is not valid JSON.')
  }
  const answer = refuse(
    'internal_error',
    'Something went wrong on our side; nothing was changed by this request that we know of.',
    {
      request_id: requestId,
    },
  )
  return { ...answer, unexpected: true }
}
