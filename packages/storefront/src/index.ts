/** The storefront: a set of server-rendered pages for `createShop({ pages })`. */
import type { PageSet } from 'holdfast/http'
import { assetAt } from './assets.ts'
import { cartPage } from './pages/cart-page.ts'
import { checkoutPage } from './pages/checkout-page.ts'
import { confirmationPage } from './pages/confirmation-page.ts'
import { mailListPage, mailPage } from './pages/dev-mail-page.ts'
import { errorPage } from './pages/error-page.ts'
import { homePage } from './pages/home-page.ts'
import { productPage } from './pages/product-page.ts'

/** Catalog, cart, checkout, confirmation, and error pages, with their style sheet and scripts. */
export const storefront: PageSet = {
  home: homePage,
  product: productPage,
  cart: cartPage,
  checkout: checkoutPage,
  confirmation: confirmationPage,
  error: errorPage,
  mailList: mailListPage,
  mail: mailPage,
  asset: assetAt,
}
