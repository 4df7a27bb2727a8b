/** What people put into the catalog, checked before the database sees it; a refusal says what would be right. */
import { CheckoutError } from '../../domain/failure.ts'
import { isCurrency, isMinor } from '../../domain/money.ts'

export function refusal(message: string, context: Record<string, unknown>): CheckoutError {
  return new CheckoutError('invalid_argument', message, { context })
}

export function checkCurrency(currency: string): string {
  if (!isCurrency(currency)) {
    throw refusal('The currency must be a code of ISO 4217 in capitals, such as USD.', { currency })
  }
  return currency
}

export function checkAmount(name: string, amountMinor: number): number {
  if (!isMinor(amountMinor)) {
    throw refusal(`${name} must be a whole number of minor units from 0 on, such as 1250 for 12.50.`, {
      [name]: amountMinor,
    })
  }
  return amountMinor
}

export function checkCount(name: string, count: number): number {
  if (!Number.isSafeInteger(count) || count < 0)
    throw refusal(`${name} must be a whole number from 0 on.`, { [name]: count })
  return count
}

/** Parts per million: 190000 is 19 %. */
export function checkRate(name: string, ratePpm: number, least: 0 | 1): number {
  if (!Number.isInteger(ratePpm) || ratePpm < least || ratePpm > 1_000_000) {
    throw refusal(`${name} must be a whole number of parts per million, ${least} to 1000000 (190000 is 19 %).`, {
      [name]: ratePpm,
    })
  }
  return ratePpm
}

/** A code or name: 1 to 200 characters. */
export function checkText(name: string, text: string): string {
  const trimmed = typeof text === 'string' ? text.trim() : ''
  if (trimmed === '' || trimmed.length > 200 || trimmed.includes('\0')) {
    throw refusal(`${name} must be a text of 1 to 200 characters.`, { argument: name })
  }
  return trimmed
}

/** ISO 3166-1 alpha-2, or '*' for everywhere else. */
export function checkPlace(country: string): string {
  if (!/^([A-Z]{2}|\*)$/.test(country)) {
    throw refusal('The country must be a code of two capitals such as DE, or * for everywhere else.', { country })
  }
  return country
}

/** An ISO 8601 moment as UTC, or null. */
export function checkMoment(name: string, moment: string | null | undefined): string | null {
  if (moment == null) return null
  const time = Date.parse(moment)
  if (Number.isNaN(time)) throw refusal(`${name} must be a moment such as 2030-01-31T00:00:00Z.`, { [name]: moment })
  return new Date(time).toISOString()
}
