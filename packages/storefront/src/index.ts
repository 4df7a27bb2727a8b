/** The storefront: server-rendered pages for `createShop({ pages })`. */
export type { Copy, CopyOverrides } from './copy/copy.ts'
export { createStorefront, type StorefrontOptions, storefront } from './create-storefront.ts'
