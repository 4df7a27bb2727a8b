/**
 * Phase 3, `price_lock`: freezes unit prices, discounts, tax, shipping, currency, and exchange rate in snapshots, one
 * for the cart and one per line. Protects A3: later phases authorize, order, and capture the frozen amounts. They read a
 * live price only to report that it has changed.
 */

import type { CheckoutDetails } from '../database/checkout-row.ts'
import { type Queryable, statement, type Transaction } from '../database/database.ts'
import type { Cart } from '../domain/cart.ts'
import {
  type Coupon,
  type PricingTerms,
  type QuoteResult,
  quote,
  type ShippingOption,
  type TaxRate,
} from '../domain/pricing.ts'
import type { Quote } from '../domain/quote.ts'
import { notCharged, type Phase, refusal } from './phase.ts'

const phase = 'price_lock'

/** One row of lists. Taxes, shipping rates, and exchange rates are a few dozen rows, so one statement reads them all. */
const readTerms = statement(
  'read_terms',
  `select
     (select coalesce(json_agg(json_build_object('country', country, 'state', state, 'taxClass', tax_class, 'name', name,
        'ratePpm', rate_ppm, 'included', included)), '[]') from holdfast.tax_rates) as tax_rates,
     (select coalesce(json_agg(json_build_object('code', method.code, 'name', method.name, 'taxClass', method.tax_class,
        'rates', (select coalesce(json_agg(json_build_object('country', rate.country, 'currency', rate.currency,
           'amountMinor', rate.amount_minor) order by rate.country, rate.currency), '[]')
         from holdfast.shipping_rates rate where rate.method_code = method.code))
        order by method.position, method.code), '[]')
      from holdfast.shipping_methods method where method.active) as shipping,
     (select coalesce(json_agg(json_build_object('base', base, 'quote', quote, 'rate', rate)), '[]')
      from holdfast.exchange_rates) as exchange_rates`,
)

/** Taxes, shipping, and exchange rates: the same for every cart of a batch. */
export interface Terms {
  taxRates: TaxRate[]
  shipping: ShippingOption[]
  exchangeRates: { base: string; quote: string; rate: number }[]
}

/** Reads the terms of the shop. */
async function read(db: Queryable): Promise<Terms> {
  const [row] = await db.query<{
    tax_rates: TaxRate[]
    shipping: ShippingOption[]
    exchange_rates: Terms['exchangeRates']
  }>(readTerms)
  if (row === undefined) throw new Error('read_terms returned no row')
  return { taxRates: row.tax_rates, shipping: row.shipping, exchangeRates: row.exchange_rates }
}

/** The pricing port: prices a cart, or says why it has no price. Must be pure and quick; it runs inside a transaction. */
export type QuoteCart = (cart: Cart, terms: PricingTerms) => QuoteResult

export interface PriceRequest {
  cart: Cart
  details: Pick<CheckoutDetails, 'shippingAddress' | 'shippingMethod'>
  terms: Terms
  coupon: Coupon | null
  baseCurrency: string
  /** Database time, ISO 8601. */
  now: string
  /** Default: the built-in pricing. */
  price: QuoteCart | undefined
}

/** What a cart costs now. */
export function priceCart({
  cart,
  details,
  terms,
  coupon,
  baseCurrency,
  now,
  price = quote,
}: PriceRequest): QuoteResult {
  return price(cart, {
    shippingAddress: details.shippingAddress,
    coupon,
    taxRates: terms.taxRates,
    shipping: terms.shipping,
    shippingMethod: details.shippingMethod,
    baseCurrency,
    exchangeRates: terms.exchangeRates,
    now,
  })
}

/** The quote to freeze. Refused if it differs from the total that the buyer saw. */
function decide(request: PriceRequest, expectedTotalMinor: number | undefined): QuoteResult {
  const priced = priceCart(request)
  if (!priced.ok) return { ok: false, failure: notCharged(priced.failure) }
  const { totalMinor, currency } = priced.quote
  if (expectedTotalMinor === undefined || expectedTotalMinor === totalMinor) return priced
  const message = 'The total has changed since you saw it. Check the new total and confirm again.'
  const context = { expected_total: expectedTotalMinor, total: totalMinor, currency }
  return { ok: false, failure: refusal(phase, 'cart_changed', message, context, true) }
}

const insertSnapshots = statement(
  'insert_snapshots',
  `insert into holdfast.price_snapshots (checkout_id, line_no, sku, title, quantity, currency, unit_minor,
     subtotal_minor, discount_minor, tax_minor, added_tax_minor, shipping_minor, total_minor, details)
   select checkout_id, line_no, sku, title, quantity, currency, unit_minor,
     subtotal_minor, discount_minor, tax_minor, added_tax_minor, shipping_minor, total_minor, details
   from json_to_recordset($1) as row (checkout_id uuid, line_no int, sku text, title text, quantity int,
     currency char(3), unit_minor bigint, subtotal_minor bigint, discount_minor bigint, tax_minor bigint,
     added_tax_minor bigint, shipping_minor bigint, total_minor bigint, details jsonb)`,
)

/** Writes the snapshots of a batch. */
function write(tx: Transaction, quotes: readonly { checkoutId: string; quote: Quote }[]): void {
  if (quotes.length === 0) return
  const rows: Record<string, unknown>[] = []
  for (const { checkoutId, quote: quoted } of quotes) {
    rows.push({
      checkout_id: checkoutId,
      line_no: 0,
      currency: quoted.currency,
      subtotal_minor: quoted.subtotalMinor,
      discount_minor: quoted.discountMinor,
      tax_minor: quoted.taxMinor,
      added_tax_minor: quoted.addedTaxMinor,
      shipping_minor: quoted.shippingMinor,
      total_minor: quoted.totalMinor,
      details: {
        coupon: quoted.coupon,
        shipping: quoted.shipping,
        taxes: quoted.taxes,
        baseCurrency: quoted.baseCurrency,
        exchangeRate: quoted.exchangeRate,
      },
    })
    for (const line of quoted.lines) {
      rows.push({
        checkout_id: checkoutId,
        line_no: line.lineNo,
        sku: line.sku,
        title: line.title,
        quantity: line.quantity,
        currency: quoted.currency,
        unit_minor: line.unitMinor,
        subtotal_minor: line.subtotalMinor,
        discount_minor: line.discountMinor,
        tax_minor: line.taxMinor,
        added_tax_minor: line.addedTaxMinor,
        shipping_minor: 0,
        total_minor: line.totalMinor,
        details: {
          taxRatePpm: line.taxRatePpm,
          taxName: line.taxName,
          taxIncluded: line.taxIncluded,
          taxClass: line.taxClass,
        },
      })
    }
  }
  tx.send(insertSnapshots, [JSON.stringify(rows)])
}

/** There is no undo: snapshots are kept for audits, and the cart can be changed again once its lock has ended. */
export const lockPrices = { phase, read, decide, write } as const satisfies Phase
