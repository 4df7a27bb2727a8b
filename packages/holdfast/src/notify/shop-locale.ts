/** Money, times and countries as the shop's mails and messages write them: by its locale and its time zone. */
import { formatMoney } from '../domain/money.ts'

export interface ShopLocale {
  money(amountMinor: number, currency: string): string
  /** Day and time of an ISO 8601 time. */
  time(iso: string): string
  /** The same to the second. */
  moment(iso: string): string
  /** The name of a country of ISO 3166-1 alpha-2. */
  country(code: string): string
}

/** @throws {RangeError} for what is no BCP 47 tag, or no time zone of IANA. */
export function createShopLocale(locale: string, timeZone: string): ShopLocale {
  const times = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone })
  const moments = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium', timeZone })
  const countries = new Intl.DisplayNames(locale, { type: 'region', fallback: 'code' })
  return {
    money: (amountMinor, currency) => formatMoney(amountMinor, currency, locale),
    time: iso => times.format(new Date(iso)),
    moment: iso => moments.format(new Date(iso)),
    country: code => (/^[A-Z]{2}$/.test(code) ? (countries.of(code) ?? code) : code),
  }
}
