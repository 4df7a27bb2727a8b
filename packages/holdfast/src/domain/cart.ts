/** A cart as the checkout sees it: plain data, money in integer minor units of `currency`. */

export interface Address {
  firstName: string
  lastName: string
  lineOne: string
  lineTwo?: string | undefined
  city: string
  state?: string | undefined
  postcode: string
  /** ISO 3166-1 alpha-2, upper case. */
  country: string
  phone?: string | undefined
}

/** One line of a cart, with what the catalog says of its variant now. */
export interface CartLine {
  id: string
  variantId: string
  sku: string
  /** Product title, with the variant's where the product has several. */
  title: string
  quantity: number
  /** Price of one unit in the cart's currency; null when the variant has none. */
  unitMinor: number | null
  taxClass: string
  requiresShipping: boolean
  /** False when the product is unpublished or the variant is withdrawn. */
  purchasable: boolean
  /** `deny`: sells only what is there. `continue`: what is missing is back-ordered. */
  stockPolicy: 'deny' | 'continue'
}

export interface Cart {
  id: string
  sessionId: string
  userId: string | null
  /** ISO 4217, upper case. */
  currency: string
  email: string | null
  couponCode: string | null
  shippingAddress: Address | null
  billingAddress: Address | null
  shippingMethod: string | null
  lines: CartLine[]
}
