/** What every error code means and what to do about it: `docs/errors.md` is generated from this table. */
import { type ErrorCode, statusOf } from '../packages/holdfast/src/http/errors.ts'

interface ErrorEntry {
  meaning: string
  /** Whether the same request may succeed later without a change. */
  retry: 'yes' | 'no' | 'after a change'
  action: string
}

interface ErrorGroup {
  title: string
  note: string
  codes: readonly ErrorCode[]
}

export const errorEntries: Readonly<Record<ErrorCode, ErrorEntry>> = {
  cart_empty: {
    meaning: 'The cart has no lines.',
    retry: 'after a change',
    action: 'Add a line to the cart.',
  },
  address_missing: {
    meaning: 'A shipping or billing address is required and was not given. `context.address` says which.',
    retry: 'after a change',
    action: 'Send the address with the checkout, or set it on the cart.',
  },
  address_invalid: {
    meaning: 'Fields of an address are missing or invalid. `context` names them.',
    retry: 'after a change',
    action: 'Correct the fields.',
  },
  email_missing: {
    meaning: 'The shop requires an email address and none was given.',
    retry: 'after a change',
    action: 'Send `email` with the checkout, or set it on the cart.',
  },
  variant_unavailable: {
    meaning: 'A line of the cart is no longer sold. `context.sku` names it.',
    retry: 'after a change',
    action: 'Remove the line.',
  },
  price_missing: {
    meaning: 'A line has no price in the currency of the cart.',
    retry: 'after a change',
    action: 'Remove the line, or set a price or an exchange rate.',
  },
  shipping_unavailable: {
    meaning: 'No shipping method serves the address, or the chosen method does not.',
    retry: 'after a change',
    action: 'Choose another method or address, or set up a shipping method for that country.',
  },
  insufficient_stock: {
    meaning: 'A line has more units than are available. `context` has `sku`, `requested`, and `available`.',
    retry: 'after a change',
    action: 'Lower the quantity, or remove the line.',
  },
  coupon_invalid: {
    meaning: 'The coupon does not exist, has not started, has expired, or does not apply to this cart.',
    retry: 'after a change',
    action: 'Remove the coupon, or enter another.',
  },
  coupon_exhausted: {
    meaning: 'The coupon has reached its usage limit.',
    retry: 'after a change',
    action: 'Remove the coupon.',
  },
  cart_changed: {
    meaning:
      'The total differs from `expected_total`, or prices changed while the checkout was being prepared. Nothing was charged.',
    retry: 'after a change',
    action: 'Load the cart, show the new total, and send the payment again.',
  },
  payment_declined: {
    meaning: 'The gateway declined the payment. `context.reason` has its reason. Nothing was charged.',
    retry: 'after a change',
    action: 'Use another payment method, or the same one later.',
  },
  payment_mismatch: {
    meaning: 'The gateway authorized a different amount, currency, or checkout. The authorization is voided.',
    retry: 'no',
    action:
      'Check the configuration of the gateway. See the operations of the checkout with `holdfast diagnose --lock ID`.',
  },
  payment_unsettled: {
    meaning: 'The gateway gave no final answer to the authorization in time. The authorization is voided.',
    retry: 'yes',
    action: 'Start the checkout again.',
  },
  capture_refused: {
    meaning: 'The gateway refused to capture the authorization. The checkout is rolled back.',
    retry: 'yes',
    action: 'Start the checkout again, with another payment method.',
  },
  authorization_ended: {
    meaning: 'The authorization ended before it was captured. Money that the gateway took nevertheless is returned.',
    retry: 'yes',
    action: 'Start the checkout again. Capture earlier if the shop captures later.',
  },
  checkout_expired: {
    meaning: 'The time to live of the lock has passed.',
    retry: 'yes',
    action: 'Start the checkout again.',
  },
  checkout_cancelled: {
    meaning: 'The buyer cancelled the checkout.',
    retry: 'yes',
    action: 'Start the checkout again.',
  },
  checkout_released: {
    meaning: 'An operator ended the checkout.',
    retry: 'yes',
    action: 'Start the checkout again.',
  },
  cart_not_found: {
    meaning: 'There is no such cart, or it belongs to another session.',
    retry: 'no',
    action: 'Load the cart of the session.',
  },
  cart_locked: {
    meaning: 'A checkout locks the cart. `context.expires_at` says until when.',
    retry: 'yes',
    action: 'Finish or cancel that checkout.',
  },
  cart_ordered: {
    meaning: 'The cart has become an order.',
    retry: 'no',
    action: 'Show the order, or begin a new cart.',
  },
  checkout_not_found: {
    meaning: 'There is no such checkout, or it belongs to another session.',
    retry: 'no',
    action: 'Start a checkout.',
  },
  checkout_not_active: {
    meaning: 'The checkout is in a state in which this call is not possible. Nothing was changed.',
    retry: 'no',
    action: 'Read the status of the checkout.',
  },
  checkout_in_progress: {
    meaning: '`requireOrder` was called on a result without an order.',
    retry: 'yes',
    action: 'Resume the checkout later.',
  },
  not_capturable: {
    meaning: 'The checkout is not waiting for a capture. `context.state` has its state.',
    retry: 'no',
    action: 'Read the status of the checkout.',
  },
  not_refundable: {
    meaning:
      'The refund exceeds what can be refunded, or another refund is under way. `context` has what can be refunded.',
    retry: 'after a change',
    action: 'Lower the amount or the quantities. If another refund is under way, try again in a moment.',
  },
  refund_refused: {
    meaning: 'The gateway refused the refund.',
    retry: 'no',
    action: 'See the reason in the message, and settle the refund in the gateway’s dashboard.',
  },
  order_not_found: {
    meaning: 'There is no such order, or it belongs to another session.',
    retry: 'no',
    action: 'Check the order number.',
  },
  overloaded: {
    meaning: 'The process is already working on as many checkouts as it allows. Nothing was changed.',
    retry: 'yes',
    action: 'Try again after the seconds in `Retry-After`.',
  },
  closed: {
    meaning: 'The engine was closed.',
    retry: 'yes',
    action: 'Send the request to another process. In your own code, do not call an engine after `close`.',
  },
  invalid_argument: {
    meaning: 'A value is missing, malformed, or out of range. The message names it.',
    retry: 'after a change',
    action: 'Correct the value.',
  },
  malformed_json: {
    meaning: 'The body is not valid JSON.',
    retry: 'after a change',
    action: 'Send valid JSON.',
  },
  unsupported_media_type: {
    meaning: 'The body is not JSON.',
    retry: 'after a change',
    action: 'Send `Content-Type: application/json`.',
  },
  body_too_large: {
    meaning: 'The body exceeds the limit that the message names.',
    retry: 'after a change',
    action: 'Send less.',
  },
  invalid_request: {
    meaning: 'Fields are missing, unknown, or invalid. `context.issues` lists them with path and message.',
    retry: 'after a change',
    action: 'Correct the fields.',
  },
  card_data_refused: {
    meaning: 'The request contains a card number or security code. It was refused unread and is not logged.',
    retry: 'after a change',
    action: 'Send the payment token of the gateway instead.',
  },
  cross_site: {
    meaning: 'The request came from another site.',
    retry: 'no',
    action: 'Send it from the shop’s own pages.',
  },
  csrf_token_invalid: {
    meaning: 'The CSRF token is missing or belongs to another session.',
    retry: 'after a change',
    action: 'Get a token from `GET /csrf-token` and send it in `X-CSRF-TOKEN`.',
  },
  not_acceptable: {
    meaning: 'The shop cannot answer in the format that `Accept` names, for example with a page where it serves none.',
    retry: 'after a change',
    action: 'Send `Accept: application/json`.',
  },
  not_found: {
    meaning: 'The API has no such path.',
    retry: 'no',
    action: 'Check the address.',
  },
  product_not_found: {
    meaning: 'There is no such product, or it is not published.',
    retry: 'no',
    action: 'List the products.',
  },
  method_not_allowed: {
    meaning: 'The address exists but does not accept this method. `Allow` lists the methods.',
    retry: 'after a change',
    action: 'Use one of the methods in `Allow`.',
  },
  rate_limited: {
    meaning: 'The client sent more requests than its limit allows.',
    retry: 'yes',
    action: 'Wait for the seconds in `Retry-After`.',
  },
  webhook_refused: {
    meaning: 'The signature of a webhook is missing or wrong, or its time is too old or too new.',
    retry: 'no',
    action: 'Check the webhook secret and the clock.',
  },
  admin_closed: {
    meaning: 'No admin secret is set, so `/admin` is closed.',
    retry: 'after a change',
    action: 'Set `CHECKOUT_ADMIN_SECRET`.',
  },
  admin_unauthorized: {
    meaning: 'The admin secret is missing or wrong.',
    retry: 'after a change',
    action: 'Send `Authorization: Bearer SECRET`.',
  },
  delivery_running: {
    meaning: 'The listener is running for this delivery.',
    retry: 'yes',
    action: 'Try again when it has ended.',
  },
  webhook_done: {
    meaning: 'The webhook has been processed.',
    retry: 'no',
    action: 'Nothing.',
  },
  metrics_closed: {
    meaning: 'No metrics secret is set, so `/metrics` is closed in production.',
    retry: 'after a change',
    action: 'Set `CHECKOUT_METRICS_SECRET`.',
  },
  metrics_unauthorized: {
    meaning: 'The metrics secret is missing or wrong.',
    retry: 'after a change',
    action: 'Send `Authorization: Bearer SECRET`.',
  },
  unavailable: {
    meaning: 'The database cannot be reached, or the server has too many live connections.',
    retry: 'yes',
    action: 'Try again after the seconds in `Retry-After`. A payment that was sent is never charged twice.',
  },
  internal_error: {
    meaning: 'An unexpected error. The log has it under `request_id`.',
    retry: 'yes',
    action: 'Report the request ID.',
  },
}

export const errorGroups: readonly ErrorGroup[] = [
  {
    title: 'Why a checkout fails',
    note: "These codes are in `failure.code` of a result with `status: 'failed'`, on the lock, and in `CheckoutFailed`. The failure says whether a retry may help in `retryable`.",
    codes: [
      'cart_empty',
      'address_missing',
      'address_invalid',
      'email_missing',
      'variant_unavailable',
      'price_missing',
      'shipping_unavailable',
      'insufficient_stock',
      'coupon_invalid',
      'coupon_exhausted',
      'cart_changed',
      'payment_declined',
      'payment_mismatch',
      'payment_unsettled',
      'capture_refused',
      'authorization_ended',
      'checkout_expired',
      'checkout_cancelled',
      'checkout_released',
    ],
  },
  {
    title: 'Refused calls',
    note: 'The library throws a `CheckoutError` with one of these codes; HTTP answers with it.',
    codes: [
      'cart_not_found',
      'cart_locked',
      'cart_ordered',
      'checkout_not_found',
      'checkout_not_active',
      'checkout_in_progress',
      'not_capturable',
      'not_refundable',
      'refund_refused',
      'order_not_found',
      'overloaded',
      'closed',
      'invalid_argument',
    ],
  },
  {
    title: 'Refused requests',
    note: 'Only HTTP answers with these codes.',
    codes: [
      'malformed_json',
      'unsupported_media_type',
      'body_too_large',
      'invalid_request',
      'card_data_refused',
      'cross_site',
      'csrf_token_invalid',
      'not_acceptable',
      'not_found',
      'product_not_found',
      'method_not_allowed',
      'rate_limited',
      'webhook_refused',
      'admin_closed',
      'admin_unauthorized',
      'delivery_running',
      'webhook_done',
      'metrics_closed',
      'metrics_unauthorized',
      'unavailable',
      'internal_error',
    ],
  },
]

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

function section({ title, note, codes }: ErrorGroup): string {
  const rows = codes.map(code => {
    const { meaning, retry, action } = errorEntries[code]
    return row([`\`${code}\``, String(statusOf(code)), meaning, retry, action])
  })
  return [
    `## ${title}`,
    '',
    note,
    '',
    row(['code', 'HTTP', 'meaning', 'retry', 'what to do']),
    row(['---', '---', '---', '---', '---']),
    ...rows,
  ].join('\n')
}

/** The text of `docs/errors.md`. */
export function errorMarkdown(): string {
  const head = `# Errors

Every error has a stable \`code\`.
Over HTTP the body is \`{error, code, message, phase?, context?, retryable?, lock_id?, request_id?}\`; \`message\` is one or two sentences for people, and \`context\` has the values that it mentions.
*Retry* says whether the same request may succeed later: *yes*, *no*, or only *after a change*.
A retry of a payment with the same checkout never charges twice.

This page is generated by \`npm run docs\`; a test compares it with the code.`
  return `${[head, ...errorGroups.map(section)].join('\n\n')}\n`
}
