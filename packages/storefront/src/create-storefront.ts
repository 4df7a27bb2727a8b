/** The page set of the storefront, with the texts of a shop. */
import type { PageSet } from 'holdfast/http'
import { assetAt } from './assets.ts'
import { type CopyOverrides, copyWith } from './copy/copy.ts'
import { cartPage } from './pages/cart-page.ts'
import { checkoutPage } from './pages/checkout-page.ts'
import { confirmationPage } from './pages/confirmation-page.ts'
import { mailListPage, mailPage } from './pages/dev-mail-page.ts'
import { errorPage } from './pages/error-page.ts'
import { homePage } from './pages/home-page.ts'
import { productPage } from './pages/product-page.ts'

export interface StorefrontOptions {
  /** Texts that replace the neutral English ones, section by section. */
  copy?: CopyOverrides
}

/** Catalog, cart, checkout, confirmation, and error pages, with their style sheet and scripts. */
export function createStorefront(options: StorefrontOptions = {}): PageSet {
  const copy = copyWith(options.copy ?? {})
  return {
    home: (frame, view) => homePage(copy, frame, view),
    product: (frame, product) => productPage(copy, frame, product),
    cart: (frame, view) => cartPage(copy, frame, view),
    checkout: (frame, view) => checkoutPage(copy, frame, view),
    confirmation: (frame, order) => confirmationPage(copy, frame, order),
    error: (frame, refusal) => errorPage(copy, frame, refusal),
    mailList: (frame, mails) => mailListPage(copy, frame, mails),
    mail: (frame, mail) => mailPage(copy, frame, mail),
    asset: assetAt,
  }
}

/** The storefront with its neutral English texts. */
export const storefront: PageSet = createStorefront()
