/** A cart as the checkout reads it. Amounts are integer minor units of `currency`. */

/** A postal address. Each field has at most 200 characters, the postcode 20. */
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

/** One line of a cart, with the current catalog data of its variant. */
export interface CartLine {
  id: string
  variantId: string
  sku: string
  /** Title of the product, with the variant's title if the product has several variants. */
  title: string
  quantity: number
  /** Price of one unit in the cart's currency. Null: the variant has none. */
  unitMinor: number | null
  /** Class of goods for tax rates, such as "standard". */
  taxClass: string
  requiresShipping: boolean
  /** False if the product is unpublished or the variant is withdrawn. */
  purchasable: boolean
  /** `deny`: only available units are sold. `continue`: missing units are back-ordered. */
  stockPolicy: 'deny' | 'continue'
}

/** A cart with its lines. */
export interface Cart {
  id: string
  sessionId: string
  /** Null: a guest's cart. */
  userId: string | null
  /** ISO 4217, upper case. */
  currency: string
  email: string | null
  couponCode: string | null
  shippingAddress: Address | null
  billingAddress: Address | null
  /** Code of the chosen shipping method. Null: none chosen, so the cheapest applies. */
  shippingMethod: string | null
  lines: CartLine[]
}
