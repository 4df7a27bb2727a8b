/** The quote of a cart: plain data, every amount in integer minor units of `currency`. */

export interface QuotedLine {
  lineNo: number
  sku: string
  title: string
  quantity: number
  unitMinor: number
  /** unit × quantity */
  subtotalMinor: number
  discountMinor: number
  /** All tax in the line. */
  taxMinor: number
  /** The part of it that prices do not contain yet. */
  addedTaxMinor: number
  /** subtotal − discount + added tax */
  totalMinor: number
  taxRatePpm: number
  taxName: string
  taxIncluded: boolean
  taxClass: string
}

export interface Quote {
  currency: string
  lines: QuotedLine[]
  subtotalMinor: number
  discountMinor: number
  /** All tax: of the lines and of shipping. */
  taxMinor: number
  addedTaxMinor: number
  shippingMinor: number
  /** subtotal − discount + added tax + shipping */
  totalMinor: number
  coupon: { code: string; discountMinor: number } | null
  shipping: { code: string; name: string; amountMinor: number; taxMinor: number; addedTaxMinor: number } | null
  taxes: { name: string; ratePpm: number; included: boolean; taxMinor: number }[]
  baseCurrency: string
  /**
   * Units of the cart's currency for one of the base currency; 1 where they are the same, null where no rate is known
   * (every price is set in the cart's currency then).
   */
  exchangeRate: number | null
}
