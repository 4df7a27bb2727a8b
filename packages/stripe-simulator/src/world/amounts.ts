/** The amounts that Stripe accepts: known currencies with their decimals, minimum amounts, and at most eight digits. */
import { invalid } from '../api/refusal.ts'

const currencies = new Set(
  `usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny
  cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod
  jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio
  nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd
  top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw`.split(/\s+/),
)

const zeroDecimals = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '))
/** Amounts must end in 0, for card networks support only two decimals. */
const threeDecimals = new Set('bhd jod kwd omr tnd'.split(' '))
/** Amounts have two decimals, which must be 00. */
const wholeUnitsOnly = new Set(['isk', 'ugx'])

/** Minimum amounts in minor units, from Stripe's table. Other currencies have no minimum here. */
const minima: Readonly<Record<string, number>> = {
  usd: 50,
  aed: 200,
  aud: 50,
  bgn: 100,
  brl: 50,
  cad: 50,
  chf: 50,
  czk: 1_500,
  dkk: 250,
  eur: 50,
  gbp: 30,
  hkd: 400,
  huf: 17_500,
  inr: 50,
  jpy: 50,
  mxn: 1_000,
  myr: 200,
  nok: 300,
  nzd: 50,
  pln: 200,
  ron: 200,
  sek: 300,
  sgd: 50,
  thb: 1_000,
}
const maximum = 99_999_999

const signs: Readonly<Record<string, string>> = { usd: '$', eur: '€', gbp: '£', jpy: '¥' }

function decimalsOf(currency: string): 0 | 2 | 3 {
  if (zeroDecimals.has(currency)) return 0
  return threeDecimals.has(currency) ? 3 : 2
}

/** "$1,234.50", or "1,234.50 kwd" for a currency without a sign. */
export function shownAmount(amountMinor: number, currency: string): string {
  const decimals = decimalsOf(currency)
  const number = (amountMinor / 10 ** decimals).toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  })
  const sign = signs[currency]
  return sign === undefined ? `${number} ${currency}` : `${sign}${number}`
}

/** The currency in lower case. @throws {StripeRefusal} */
export function knownCurrency(currency: string): string {
  const lower = currency.toLowerCase()
  if (!currencies.has(lower)) {
    throw invalid(
      `Invalid currency: ${currency}. Stripe currently supports these currencies: ${[...currencies].join(', ')}`,
      { param: 'currency' },
    )
  }
  return lower
}

/** @throws {StripeRefusal} if Stripe does not accept the amount. */
export function requireChargeable(amountMinor: number, currency: string): void {
  const refuse = (code: string, message: string) => invalid(message, { code, param: 'amount' })
  if (amountMinor > maximum) {
    throw refuse('amount_too_large', `Amount must be no more than ${shownAmount(maximum, currency)}`)
  }
  const step = threeDecimals.has(currency) ? 10 : wholeUnitsOnly.has(currency) ? 100 : 1
  if (amountMinor % step !== 0) {
    throw refuse(
      'invalid_charge_amount',
      `Invalid amount: ${amountMinor} is not evenly divisible by ${step}, as amounts in ${currency} have to be.`,
    )
  }
  const minimum = minima[currency] ?? 1
  if (amountMinor < minimum) {
    const sign = signs[currency] === undefined ? '' : ` ${currency}`
    throw refuse('amount_too_small', `Amount must be at least ${shownAmount(minimum, currency)}${sign}`)
  }
}
