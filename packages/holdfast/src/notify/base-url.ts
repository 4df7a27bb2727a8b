/** Where links in mails and messages lead. Refused when it is given, not with each mail that it then breaks. */
import { CheckoutError } from '../domain/failure.ts'

/** @throws {CheckoutError} `invalid_argument` */
export function usableBaseUrl(given: string | null | undefined): string | null {
  if (given === null || given === undefined) return null
  if (/^https?:\/\/\S+$/.test(given) && URL.canParse(given)) return given
  throw new CheckoutError(
    'invalid_argument',
    'baseUrl is where the shop is reached from outside: https://shop.example.',
  )
}
