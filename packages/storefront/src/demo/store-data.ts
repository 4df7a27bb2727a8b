/**
 * The data of the demo store besides its products: warehouses, taxes, shipping, coupons, exchange rates, and foreign
 * prices.
 */
import type {
  CouponInput,
  LocationInput,
  PriceInput,
  ShippingMethodInput,
  StockInput,
  TaxRateInput,
} from 'holdfast/shop'

export const demoCurrency = 'USD'

export const demoLocations = [
  { code: 'harbour', name: 'Harbour warehouse', priority: 10 },
  { code: 'ropewalk', name: 'Old ropewalk', priority: 20 },
] as const satisfies readonly LocationInput[]

/** Added to the stock of the product file, which is in the first warehouse. Larger orders are served from both. */
export const demoStock: readonly StockInput[] = [
  ['LINE-MOOR-10', 25],
  ['LINE-MOOR-15', 12],
  ['LINE-MOOR-25', 20],
  ['LINE-DOCK-06-NVY', 14],
  ['LINE-DOCK-10-SND', 11],
  ['MARLINE-40', 60],
  ['HEAVING-20', 9],
  ['BELL-ROPE', 5],
  ['KNOT-BOARD-12', 4],
  ['PRACTICE-PAIR', 40],
  ['PALM-L', 10],
  ['KNIFE-RIG', 8],
  ['CLEAT-250', 9],
  ['BLOCK-1', 6],
  ['LANTERN-GRN', 7],
  ['CAP-MOS', 9],
  ['OILSKIN-XL-YEL', 4],
  ['HOLDALL-WHT', 5],
  ['MUG-WHT', 30],
].map(([sku, quantity]) => ({ sku: String(sku), location: 'ropewalk', quantity: Number(quantity) }))

const added = (state: string, percent: number): TaxRateInput => ({
  country: 'US',
  state,
  name: `${state} sales tax`,
  ratePpm: Math.round(percent * 10_000),
  included: false,
})

const vat = (country: string, name: string, percent: number, taxClass = 'standard'): TaxRateInput => ({
  country,
  taxClass,
  name,
  ratePpm: Math.round(percent * 10_000),
  included: true,
})

export const demoTaxes: readonly TaxRateInput[] = [
  added('CA', 7.25),
  added('FL', 6),
  added('NY', 4),
  added('TX', 6.25),
  added('WA', 6.5),
  vat('DE', 'MwSt.', 19),
  vat('DE', 'MwSt.', 7, 'reduced'),
  vat('FR', 'TVA', 20),
  vat('FR', 'TVA', 5.5, 'reduced'),
  vat('GB', 'VAT', 20),
  vat('GB', 'VAT', 0, 'reduced'),
  vat('JP', 'Consumption tax', 10),
]

/** Books and prints, which many countries tax at a reduced rate. */
export const demoReducedSkus = ['BOOK-KNOTS', 'CHART-A3', 'CHART-A2']

const rate = (country: string, currency: string, amountMinor: number) => ({ country, currency, amountMinor })

export const demoShipping: readonly ShippingMethodInput[] = [
  {
    code: 'standard',
    name: 'Standard, 3 to 6 days',
    position: 1,
    rates: [
      rate('US', 'USD', 590),
      rate('DE', 'EUR', 490),
      rate('FR', 'EUR', 690),
      rate('GB', 'GBP', 450),
      rate('JP', 'JPY', 1_200),
      rate('*', 'USD', 1_400),
    ],
  },
  {
    code: 'express',
    name: 'Express, next working day',
    position: 2,
    rates: [rate('US', 'USD', 1_890), rate('DE', 'EUR', 1_290), rate('GB', 'GBP', 1_190), rate('*', 'USD', 3_900)],
  },
]

export const demoCoupons: readonly CouponInput[] = [
  { code: 'WELCOME10', discount: { ratePpm: 100_000 } },
  {
    code: 'FIVEOFF',
    discount: { amountMinor: 500, currency: 'USD' },
    minimum: { amountMinor: 2_500, currency: 'USD' },
  },
  { code: 'LAST20', discount: { ratePpm: 200_000 }, usageLimit: 20 },
  { code: 'ONCE', discount: { ratePpm: 150_000 }, usageLimitPerCustomer: 1 },
  { code: 'EXPIRED', discount: { ratePpm: 500_000 }, endsAt: '2020-01-01T00:00:00Z' },
]

export const demoExchangeRates = [
  { base: 'USD', quote: 'EUR', rate: 0.92 },
  { base: 'USD', quote: 'GBP', rate: 0.79 },
  { base: 'USD', quote: 'JPY', rate: 149.5 },
  { base: 'USD', quote: 'CAD', rate: 1.36 },
  { base: 'USD', quote: 'CHF', rate: 0.88 },
]

/** Prices in EUR, GBP, and JPY, rounded as usual in each country. Other prices are converted. */
const abroad: readonly (readonly [sku: string, eur: number, gbp: number, jpy: number])[] = [
  ['LINE-MOOR-10', 3_200, 2_750, 5_200],
  ['LINE-MOOR-15', 4_500, 3_900, 7_300],
  ['LINE-MOOR-25', 7_200, 6_200, 11_500],
  ['PRACTICE-PAIR', 1_350, 1_150, 2_100],
  ['KNIFE-RIG', 5_900, 5_200, 9_800],
  ['LANTERN-GRN', 8_400, 7_200, 13_500],
  ['CAP-NVY', 2_950, 2_550, 4_900],
  ['CAP-OAT', 2_950, 2_550, 4_900],
  ['CAP-MOS', 2_950, 2_550, 4_900],
  ['BOOK-KNOTS', 850, 750, 1_400],
  ['MUG-WHT', 1_400, 1_200, 2_300],
  ['MUG-NVY', 1_400, 1_200, 2_300],
]

export const demoPrices: readonly PriceInput[] = abroad.flatMap(([sku, eur, gbp, jpy]) => [
  { sku, currency: 'EUR', amountMinor: eur },
  { sku, currency: 'GBP', amountMinor: gbp },
  { sku, currency: 'JPY', amountMinor: jpy },
])
