/** The cart of a session as JSON, with its quote, its checkout, and the price of each shipping method. */
import type { Cart } from '../domain/cart.ts'
import type { Failure } from '../domain/failure.ts'
import type { Quote } from '../domain/quote.ts'
import { type PresentedCart, presentCart, presentNoCart, type ShippingOffer } from './present.ts'
import type { ShopParts } from './shop-parts.ts'

const offersMax = 12

export async function readCart(shop: ShopParts, cart: Cart | null): Promise<PresentedCart> {
  if (cart === null) return presentNoCart(shop.config.currency)
  const [quoted, lock, shippingOffers] = await Promise.all([
    quoteOf(shop, cart),
    shop.engine.getActiveLock(cart.id),
    shippingOffersFor(shop, cart),
  ])
  return presentCart({ cart, ...quoted, lock, shippingOffers })
}

/** Gives the reason as `problem` if the cart cannot be priced. */
async function quoteOf(
  shop: ShopParts,
  cart: Cart,
  shippingMethod?: string,
): Promise<{ quote: Quote | null; problem: Failure | null }> {
  if (cart.lines.length === 0) return { quote: null, problem: null }
  const quoted = await shop.engine.quoteCart(cart.id, shippingMethod === undefined ? {} : { shippingMethod })
  return { quote: quoted?.quote ?? null, problem: quoted?.failure ?? null }
}

/** The methods that serve the shipping address. Empty without an address. */
async function shippingOffersFor(shop: ShopParts, cart: Cart): Promise<ShippingOffer[]> {
  if (cart.shippingAddress === null || !cart.lines.some(line => line.requiresShipping)) return []
  const methods = (await shop.shippingMethods()).slice(0, offersMax)
  const offers = await Promise.all(
    methods.map(async ({ code, name }) => {
      const { quote } = await quoteOf(shop, cart, code)
      return quote?.shipping?.code === code ? { code, name, amount: quote.shipping.amountMinor } : null
    }),
  )
  return offers.filter(offer => offer !== null)
}
