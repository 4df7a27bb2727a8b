/** The public address of the shop, for links in emails and messages. Checked at startup, before any message is sent. */
import { CheckoutError } from '../domain/failure.ts'

/** @throws {CheckoutError} `invalid_argument` */
export function usableBaseUrl(given: string | null | undefined): string | null {
  if (given === null || given === undefined) return null
  if (/^https?:\/\/\S+$/.test(given) && URL.canParse(given)) return given
  throw new CheckoutError(
    'invalid_argument',
    `invalid baseUrl "${given}"; use the public address of the shop, such as https://shop.example`,
  )
}
