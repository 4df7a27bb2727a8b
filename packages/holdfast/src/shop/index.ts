/** The built-in store: catalog, stock, coupons, taxes, shipping and carts, in the engine's own database. */
export { type Carts, createCarts, type NewCart } from './carts/carts.ts'
export { type Catalog, createCatalog } from './catalog/catalog.ts'
export { upsertCoupon } from './catalog/coupons.ts'
export { setPrice } from './catalog/prices.ts'
export { upsertShippingMethod } from './catalog/shipping.ts'
export { setStock, upsertLocation } from './catalog/stock.ts'
export { upsertTaxRate } from './catalog/taxes.ts'
export { importProducts } from './import/import-products.ts'
