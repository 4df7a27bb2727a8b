/** Formats money, times and countries for emails and messages, by the shop's locale and time zone. */
import { formatMoney } from '../domain/money.ts'

export interface ShopLocale {
  money(amountMinor: number, currency: string): string
  /** The date and time of an ISO 8601 time, to the minute. */
  time(iso: string): string
  /** The date and time, to the second. */
  moment(iso: string): string
  /** The name of a country by its ISO 3166-1 alpha-2 code. */
  country(code: string): string
}

/** @throws {RangeError} if `locale` is not a BCP 47 tag, or `timeZone` not an IANA time zone. */
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
