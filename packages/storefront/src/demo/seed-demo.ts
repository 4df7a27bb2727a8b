/** Fills an empty store with the demo catalog, a small chandlery. A store with products is never changed. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Database, statement } from 'holdfast/database'
import {
  importProducts,
  setExchangeRate,
  setPrices,
  setStocks,
  setTaxClass,
  upsertCoupon,
  upsertLocation,
  upsertShippingMethod,
  upsertTaxRates,
} from 'holdfast/shop'
import {
  demoCoupons,
  demoCurrency,
  demoExchangeRates,
  demoLocations,
  demoPrices,
  demoReducedSkus,
  demoShipping,
  demoStock,
  demoTaxes,
} from './store-data.ts'

const hasProducts = statement('has_products', 'select exists (select from holdfast.products) as there')

/** The folder `demo/` is next to `src/` in the repository and next to `dist/` in the published package. */
function productFile(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url))
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder)
  return path.join(folder, 'demo', 'products.csv')
}

/**
 * Imports the demo products (prices in USD) with warehouses, taxes, shipping, coupons, and exchange rates. Gives the
 * number of imported products: 0 if the store already had products, and then nothing else was changed.
 */
export async function seedDemo(database: Database): Promise<number> {
  const [products] = await database.query<{ there: boolean }>(hasProducts)
  if (products?.there === true) return 0
  for (const location of demoLocations) await upsertLocation(database, location)
  await upsertTaxRates(database, demoTaxes)
  for (const method of demoShipping) await upsertShippingMethod(database, method)
  for (const coupon of demoCoupons) await upsertCoupon(database, coupon)
  for (const rate of demoExchangeRates) await setExchangeRate(database, rate)
  const report = await importProducts(database, productFile(), {
    currency: demoCurrency,
    location: demoLocations[0].code,
  })
  await setPrices(database, demoPrices)
  await setStocks(database, demoStock)
  await setTaxClass(database, demoReducedSkus, 'reduced')
  return report.products.created
}
