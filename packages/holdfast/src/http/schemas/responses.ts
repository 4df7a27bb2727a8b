/** Schemas of response bodies, for OpenAPI and for tests. Responses are not validated when they are sent. */
import { type RouteConfig, z } from '@hono/zod-openapi'
import { phaseNames, restingStates } from '../../domain/states.ts'
import { errorCodes } from '../errors.ts'

const minor = z.int().openapi({ description: 'Minor units of the currency.' })
const time = z.iso.datetime().openapi({ example: '2026-01-15T10:30:00.000Z' })
const currency = z.string().length(3).openapi({ example: 'EUR' })
const phase = z.enum(phaseNames).nullable()
const context = z.record(z.string(), z.unknown())

export const errorResponse = z
  .strictObject({
    error: z.string().openapi({ example: 'Payment Required' }),
    code: z.enum(errorCodes).openapi({ example: 'payment_declined', description: 'Stable, for programs.' }),
    message: z.string().openapi({ description: 'One or two sentences for people.' }),
    phase: phase.optional(),
    context: context.optional(),
    retryable: z.boolean().optional(),
    lock_id: z.uuid().optional(),
    request_id: z.string().optional(),
  })
  .openapi('Error')

const addressResponse = z
  .strictObject({
    first_name: z.string(),
    last_name: z.string(),
    line_one: z.string(),
    line_two: z.string().nullable(),
    city: z.string(),
    state: z.string().nullable(),
    postcode: z.string(),
    country: z.string(),
    phone: z.string().nullable(),
  })
  .nullable()

const totalsResponse = z.strictObject({
  currency,
  subtotal: minor,
  discount: minor,
  tax: minor,
  shipping: minor,
  total: minor,
})

export const cartResponse = z
  .strictObject({
    id: z.uuid().nullable(),
    currency,
    locked: z.boolean(),
    lock_id: z.uuid().nullable(),
    email: z.string().nullable(),
    coupon: z.strictObject({ code: z.string(), discount: minor }).nullable(),
    shipping_address: addressResponse,
    billing_address: addressResponse,
    shipping_method: z.string().nullable(),
    shipping_methods: z.array(z.strictObject({ code: z.string(), name: z.string(), amount: minor })),
    lines: z.array(
      z.strictObject({
        id: z.uuid(),
        sku: z.string(),
        title: z.string(),
        quantity: z.int(),
        unit_price: minor.nullable(),
        total: minor.nullable(),
        purchasable: z.boolean(),
      }),
    ),
    quantity: z.int(),
    totals: totalsResponse,
    problem: z
      .strictObject({ code: z.string(), message: z.string(), context })
      .nullable()
      .openapi({ description: 'Why the cart cannot be checked out. Null if it can.' }),
    taxes: z.array(z.strictObject({ name: z.string(), rate_ppm: z.int(), included: z.boolean(), tax: minor })),
  })
  .openapi('Cart')

export const orderResponse = z
  .strictObject({
    id: z.uuid(),
    number: z.string(),
    lock_id: z.uuid(),
    status: z.enum(['pending', 'paid', 'cancelled', 'partially_refunded', 'refunded']),
    email: z.string().nullable(),
    currency,
    subtotal: minor,
    discount: minor,
    tax: minor,
    shipping: minor,
    total: minor,
    refunded: minor,
    shipping_refunded: z.boolean(),
    coupon_code: z.string().nullable(),
    shipping_address: addressResponse,
    billing_address: addressResponse,
    shipping_method: z.string().nullable(),
    notes: z.string().nullable(),
    transfer: z
      .strictObject({
        reference: z
          .string()
          .openapi({ example: 'RF69100001', description: 'The payment reference of the transfer (ISO 11649).' }),
        iban: z.string().nullable(),
        account_holder: z.string().nullable(),
        due_at: time,
      })
      .nullable()
      .openapi({
        description: 'The bank transfer that a pending order waits for. The order is cancelled if unpaid at `due_at`.',
      }),
    lines: z.array(
      z.strictObject({
        line_no: z.int(),
        sku: z.string(),
        title: z.string(),
        quantity: z.int(),
        unit_price: minor,
        subtotal: minor,
        discount: minor,
        tax: minor,
        total: minor,
        refunded_quantity: z.int().openapi({ description: 'Units refunded so far.' }),
      }),
    ),
    placed_at: time,
    paid_at: time.nullable(),
    cancelled_at: time.nullable(),
  })
  .openapi('Order')

export const completedResponse = z.strictObject({ order: orderResponse })

export const refundResponse = z
  .strictObject({
    status: z.enum(['refunded', 'processing']),
    message: z.string(),
    refunded: minor,
    lines: z.array(z.strictObject({ line_no: z.int(), sku: z.string(), quantity: z.int() })).openapi({
      description: 'The refunded units. Empty for a refund of an amount, unless it refunds all that remains.',
    }),
    order: orderResponse,
  })
  .openapi('Refund')

export const deliveryResponse = z
  .strictObject({
    id: z.string().openapi({ example: '01989f0e-5c1a-7000-8000-2f1d7f3a9b10:mail', description: '`EVENT:LISTENER`.' }),
    event_id: z.uuid(),
    listener: z.string(),
    lock_id: z.uuid(),
    type: z.string().openapi({ example: 'CheckoutCompleted' }),
    state: z.enum(['due', 'delivered', 'parked']).openapi({ description: '`parked`: given up after all retries.' }),
    running: z.boolean(),
    attempts: z.int(),
    next_at: time
      .nullable()
      .openapi({ description: 'When the next attempt is due. While `running`: when its lease expires.' }),
    last_error: z.string().nullable(),
    occurred_at: time.nullable(),
  })
  .openapi('Delivery')

export const webhookResponse = z
  .strictObject({
    id: z.string().openapi({ example: 'stripe:evt_1QGk2eLkdIwHu7ix', description: '`GATEWAY:EVENT`.' }),
    gateway: z.string(),
    event_id: z.string(),
    type: z.string().openapi({ example: 'charge.refunded' }),
    lock_id: z
      .uuid()
      .nullable()
      .openapi({ description: 'The checkout that the webhook is about. Null if it matches none.' }),
    state: z.enum(['given_up', 'waiting', 'done']).openapi({ description: '`given_up`: no more retries.' }),
    received_at: time,
    attempts: z.int().openapi({ description: 'Attempts since it was received or last retried by an operator.' }),
    next_at: time.nullable(),
    last_reason: z.string().nullable(),
  })
  .openapi('Webhook')

export const waitingResponse = z.union([
  z.strictObject({
    status: z.literal('action_required'),
    lock_id: z.uuid(),
    action: z.union([
      z.strictObject({ type: z.literal('redirect'), url: z.string() }),
      z.strictObject({
        type: z.literal('confirm'),
        payment: z.string(),
        client_secret: z
          .string()
          .openapi({ description: 'For the payment form in the browser (Stripe’s Payment Element).' }),
        publishable_key: z.string().nullable(),
      }),
    ]),
  }),
  z.strictObject({ status: z.literal('processing'), lock_id: z.uuid(), poll_after_ms: z.int() }),
])

const lockFields = {
  lock_id: z.uuid(),
  state: z.enum(restingStates),
  state_name: z.string().openapi({ example: 'Reserving stock' }),
  phase,
  expires_at: time,
}

export const lockResponse = z
  .strictObject({ ...lockFields, totals: totalsResponse.partial().required({ currency: true, total: true }) })
  .openapi('CheckoutLock')

export const statusResponse = z
  .union([
    z.strictObject({ locked: z.literal(false), can_checkout: z.boolean() }),
    z.strictObject({
      locked: z.boolean(),
      can_checkout: z.boolean(),
      ...lockFields,
      can_resume: z.boolean(),
      is_expired: z.boolean(),
      totals: z.strictObject({ currency, total: minor }).nullable(),
      failure: z
        .strictObject({ code: z.string(), message: z.string(), phase, context, retryable: z.boolean() })
        .nullable(),
      order_id: z.uuid().nullable(),
    }),
  ])
  .openapi('CheckoutStatus')

export const cancelResponse = z.strictObject({ success: z.boolean(), message: z.string() })
export const csrfResponse = z.strictObject({ csrf_token: z.string() })

const checksResponse = z.record(
  z.string(),
  z.strictObject({
    status: z.enum(['ok', 'warning', 'critical']),
    count: z.int().optional(),
    message: z.string(),
  }),
)

export const healthResponse = z
  .strictObject({ status: z.enum(['healthy', 'degraded', 'unhealthy']), checks: checksResponse, timestamp: time })
  .openapi('Health')

export const readinessResponse = z
  .strictObject({ status: z.enum(['ready', 'not_ready']), checks: checksResponse, timestamp: time })
  .openapi('Readiness')

export const livenessResponse = z.strictObject({ status: z.literal('live') })

const variantResponse = z.strictObject({
  id: z.uuid(),
  sku: z.string(),
  title: z.string(),
  option_values: z.array(z.string()),
  price: minor.nullable(),
  compare_at_price: minor.nullable(),
  available: z.int(),
  in_stock: z.boolean(),
  purchasable: z.boolean(),
  image: z.string().nullable(),
})

export const productResponse = z
  .strictObject({
    id: z.uuid(),
    handle: z.string(),
    title: z.string(),
    description_html: z.string(),
    vendor: z.string(),
    product_type: z.string(),
    tags: z.array(z.string()),
    options: z.array(z.strictObject({ name: z.string(), values: z.array(z.string()) })),
    images: z.array(z.strictObject({ url: z.string(), alt: z.string() })),
    currency,
    price_from: minor.nullable(),
    price_to: minor.nullable(),
    in_stock: z.boolean(),
    variants: z.array(variantResponse),
  })
  .openapi('Product')

export const productListResponse = z.strictObject({ products: z.array(productResponse), next: z.string().nullable() })

/** The `responses` of a route: the given ones, and the error body for all other statuses. */
export function responses(
  successes: Record<number, [description: string, schema: z.ZodType]>,
): RouteConfig['responses'] {
  const described = Object.entries(successes).map(([status, [description, schema]]) => [
    status,
    { description, content: { 'application/json': { schema } } },
  ])
  return {
    ...Object.fromEntries(described),
    default: { description: 'An error', content: { 'application/json': { schema: errorResponse } } },
  }
}

/** A required JSON body. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { body: { required: true, content: { 'application/json': { schema } } } } as const
}

/** An optional JSON body. */
export function optionalJsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { body: { required: false, content: { 'application/json': { schema } } } } as const
}
