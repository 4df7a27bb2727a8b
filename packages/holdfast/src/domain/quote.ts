/** The quote of a cart. Amounts are integer minor units of `currency`. */

/** The price of one line. */
export interface QuotedLine {
  /** From 1. */
  lineNo: number
  sku: string
  title: string
  quantity: number
  /** Price of one unit. */
  unitMinor: number
  /** Unit price × quantity. */
  subtotalMinor: number
  /** This line's share of the discount. */
  discountMinor: number
  /** All tax of the line. */
  taxMinor: number
  /** The part of the tax that prices do not include. */
  addedTaxMinor: number
  /** Subtotal − discount + added tax. */
  totalMinor: number
  /** Parts per million: 190000 is 19 %. */
  taxRatePpm: number
  taxName: string
  /** True: the price includes the tax. */
  taxIncluded: boolean
  taxClass: string
}

/** What a cart costs: lines, discount, tax, shipping, and total. They add up. */
export interface Quote {
  currency: string
  lines: QuotedLine[]
  /** Sum of the lines before discount and added tax. */
  subtotalMinor: number
  discountMinor: number
  /** All tax, of lines and shipping. */
  taxMinor: number
  /** The part of the tax that prices do not include. */
  addedTaxMinor: number
  /** Shipping before added tax. */
  shippingMinor: number
  /** Subtotal − discount + added tax + shipping. */
  totalMinor: number
  /** The applied coupon. Null: none; then it is not claimed either. */
  coupon: { code: string; discountMinor: number } | null
  /** Null if nothing is shipped or the address is unknown. */
  shipping: { code: string; name: string; amountMinor: number; taxMinor: number; addedTaxMinor: number } | null
  /** Tax totals by name and rate. */
  taxes: { name: string; ratePpm: number; included: boolean; taxMinor: number }[]
  baseCurrency: string
  /**
   * Units of the cart's currency for one unit of the base currency; 1 if they are the same. Null if no rate is known; then
   * every price is set in the cart's currency.
   */
  exchangeRate: number | null
}
