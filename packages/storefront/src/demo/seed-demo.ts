/** Fills an empty store with the demonstration: a small chandlery. A store that has products is never touched. */
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
} from './terms.ts'

const hasProducts = statement('has_products', 'select exists (select from holdfast.products) as there')

/** The folder stands beside `src/` and `dist/`, in the checkout as in the published package. */
function productFile(): string {
  let at = path.dirname(fileURLToPath(import.meta.url))
  while (!existsSync(path.join(at, 'package.json'))) at = path.dirname(at)
  return path.join(at, 'demo', 'products.csv')
}

/**
 * Imports the demonstration's products (prices in USD) with warehouses, taxes, shipping, coupons and exchange rates.
 * Gives how many products came in: 0 where there were some already, and then nothing else was changed either.
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
