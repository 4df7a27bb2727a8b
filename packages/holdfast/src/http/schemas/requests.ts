/**
 * Schemas of request input, for validation, types, and OpenAPI. Unknown fields are rejected. Text is bounded and free
 * of control characters, which no name or address contains and some of which PostgreSQL rejects.
 */
import { z } from '@hono/zod-openapi'
import { isCountry, validateAddress } from '../../domain/address.ts'
import type { Address } from '../../domain/cart.ts'
import type { PaymentInput } from '../../engine/checkout-engine.ts'

/** Control characters and lone surrogates. */
const unprintable = /[\p{Cc}\p{Cs}]/u
const unprintableButLines = /[^\P{Cc}\n\r\t]|\p{Cs}/u

const text = (max: number) =>
  z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(max, `must be at most ${max} characters long`)
    .refine(value => !unprintable.test(value), 'must not contain control characters')

/** Absent, null, and '' all mean "none". */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess(value => (value === null || value === '' ? undefined : value), schema.optional())

const emailSchema = z.email('must be an email address').max(254).openapi({ example: 'ada@example.com' })

const addressFields = z.strictObject({
  first_name: text(100).openapi({ example: 'Ada' }),
  last_name: text(100).openapi({ example: 'Lovelace' }),
  line_one: text(200).openapi({ example: 'Hafenstraße 1' }),
  line_two: optional(text(200)),
  city: text(100).openapi({ example: 'Hamburg' }),
  state: optional(text(100)),
  postcode: z
    .preprocess(value => value ?? '', z.string().trim().max(20))
    .openapi({
      example: '20457',
      description: 'Empty only if the country has no postcodes.',
    }),
  country: z
    .string()
    .trim()
    .toUpperCase()
    .refine(isCountry, 'must be a country code like DE (ISO 3166 alpha-2)')
    .openapi({ example: 'DE' }),
  phone: optional(text(40)),
})
export const addressSchema = addressFields
  .superRefine((body, context) => {
    for (const field of validateAddress(addressOfBody(body))) {
      const name = field.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
      const message =
        name === 'postcode' && body.postcode === '' ? 'must not be empty' : 'must be valid for the country'
      context.addIssue({
        code: 'custom',
        path: [name],
        message: name === 'phone' ? 'must be a telephone number' : message,
      })
    }
  })
  .openapi('Address')
type AddressBody = z.output<typeof addressFields>

const quantitySchema = z.int().min(1, 'must be at least 1').max(9999, 'must be at most 9999').openapi({ example: 1 })

export const addLineSchema = z.strictObject({
  sku: text(200).openapi({ example: 'ROPE-10' }),
  quantity: quantitySchema.default(1),
})
export const changeLineSchema = z.strictObject({ quantity: quantitySchema })
export const couponSchema = z.strictObject({ code: text(64).openapi({ example: 'WELCOME10' }) })
export const shippingMethodSchema = z.strictObject({ code: text(64).openapi({ example: 'standard' }) })
export const addressesSchema = z
  .strictObject({
    email: optional(emailSchema),
    shipping_address: optional(addressSchema),
    billing_address: optional(addressSchema),
  })
  .refine(body => Object.values(body).some(value => value !== undefined), 'must contain an email address or an address')

const paymentMethodSchema = z.enum(['card', 'paypal', 'bank_transfer'])
const tokenSchema = text(500).openapi({ example: 'tok_approve' })

export const checkoutSchema = z
  .strictObject({
    lock_id: optional(z.uuid('must be a checkout ID')),
    email: optional(emailSchema),
    shipping_address: optional(addressSchema),
    billing_address: optional(addressSchema),
    shipping_method: optional(text(64)),
    payment_method: optional(paymentMethodSchema),
    payment_token: optional(tokenSchema),
    method: optional(paymentMethodSchema).openapi({ description: 'The same as `payment_method`.' }),
    token: optional(tokenSchema).openapi({ description: 'The same as `payment_token`.' }),
    expected_total: optional(z.int().min(0)).openapi({
      description:
        'The total that the buyer was shown, in minor units. If it differs from the actual total, nothing is charged.',
    }),
    return_url: optional(z.url('must be a URL of this shop').max(2000)).openapi({
      description: 'Where the buyer returns to after a confirmation, a URL of this shop. Default: `/checkout`.',
    }),
    notes: optional(
      z
        .string()
        .trim()
        .max(2000)
        .refine(value => !unprintableButLines.test(value), 'must not contain control characters'),
    ),
  })
  .openapi('Checkout')
export type CheckoutBody = z.output<typeof checkoutSchema>

const refundLineSchema = z
  .strictObject({
    line_no: z.int().min(1, 'must be at least 1').optional(),
    sku: text(200).optional().openapi({ example: 'ROPE-10' }),
    quantity: quantitySchema,
  })
  .refine(line => line.line_no !== undefined || line.sku !== undefined, 'must name a line, by line_no or sku')

/** An absent field means "all that remains" here, so null and '' are rejected instead of being read as absent. */
export const refundSchema = z
  .strictObject({
    amount: z.int().min(1, 'must be at least 1').optional().openapi({
      description: 'Minor units. With lines or shipping: the amount to refund for them, at most their price.',
    }),
    lines: z.array(refundLineSchema).min(1, 'must name a line').max(1000, 'must be at most 1000').optional(),
    shipping: z.boolean().default(false).openapi({ description: 'Also refund the shipping price.' }),
    restock: z.boolean().default(false).openapi({ description: 'Return the units to the stock they were taken from.' }),
    reason: text(1000).optional(),
    key: text(255).optional().openapi({ description: 'The same as the header `Idempotency-Key`.' }),
  })
  .openapi('RefundRequest')
export type RefundBody = z.output<typeof refundSchema>

export const actorHeadersSchema = z.object({
  'x-admin-actor': text(255).default('admin').openapi({ description: 'The person who acts, for the audit log.' }),
})
export const refundHeadersSchema = z.object({
  'idempotency-key': text(255)
    .optional()
    .openapi({ description: 'Repeating a request with the same key returns the first refund.' }),
  ...actorHeadersSchema.shape,
})
export const lockParamSchema = z.object({ id: z.uuid() })

export const lockReferenceSchema = z.strictObject({ lock_id: optional(z.uuid('must be a checkout ID')) })
export const lockQuerySchema = z.object({ lock_id: optional(z.uuid('must be a checkout ID')) })

const printable = (max: number) =>
  z
    .string()
    .max(max)
    .refine(value => !unprintable.test(value), 'must not contain control characters')
export const productListQuerySchema = z.object({
  query: optional(printable(100)),
  after: optional(printable(255)),
  limit: optional(z.coerce.number().int().min(1).max(100)),
})
export const handleParamSchema = z.object({ handle: printable(255) })
export const lineParamSchema = z.object({ id: z.uuid() })
export const orderParamSchema = z.object({ order: z.uuid() })
export const gatewayParamSchema = z.object({ gateway: z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/) })

/** The address in the terms of the domain. */
export function addressOfBody(body: AddressBody): Address {
  return {
    firstName: body.first_name,
    lastName: body.last_name,
    lineOne: body.line_one,
    lineTwo: body.line_two,
    city: body.city,
    state: body.state,
    postcode: body.postcode,
    country: body.country,
    phone: body.phone,
  }
}

/** The payment in the terms of the domain. Absent fields stay absent: the values of the cart apply. */
export function paymentOfBody(body: CheckoutBody, returnUrl: string): PaymentInput {
  const method = body.payment_method ?? body.method
  const token = body.payment_token ?? body.token
  return {
    ...(method === undefined ? {} : { method }),
    ...(token === undefined ? {} : { token }),
    ...(body.email === undefined ? {} : { email: body.email }),
    ...(body.shipping_address === undefined ? {} : { shippingAddress: addressOfBody(body.shipping_address) }),
    ...(body.billing_address === undefined ? {} : { billingAddress: addressOfBody(body.billing_address) }),
    ...(body.shipping_method === undefined ? {} : { shippingMethod: body.shipping_method }),
    ...(body.notes === undefined ? {} : { notes: body.notes }),
    ...(body.expected_total === undefined ? {} : { expectedTotalMinor: body.expected_total }),
    returnUrl,
  }
}
