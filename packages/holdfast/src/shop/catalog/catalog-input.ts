/** Checks of catalog input before it reaches the database. Each error says which input is accepted. */
import { isMinor } from '../../domain/money.ts'
import { invalidArgument } from './check-arguments.ts'

export function checkAmount(name: string, amountMinor: number): number {
  if (!isMinor(amountMinor)) {
    throw invalidArgument(`${name} must be a whole number of minor units, 0 or more, such as 1250 for 12.50.`, {
      [name]: amountMinor,
    })
  }
  return amountMinor
}

export function checkCount(name: string, count: number): number {
  if (!Number.isSafeInteger(count) || count < 0)
    throw invalidArgument(`${name} must be a whole number, 0 or more.`, { [name]: count })
  return count
}

/** A rate in parts per million: 190000 is 19 %. */
export function checkRate(name: string, ratePpm: number, least: 0 | 1): number {
  if (!Number.isInteger(ratePpm) || ratePpm < least || ratePpm > 1_000_000) {
    throw invalidArgument(
      `${name} must be a whole number of parts per million from ${least} to 1000000 (190000 is 19 %).`,
      {
        [name]: ratePpm,
      },
    )
  }
  return ratePpm
}

/** A code or name of 1 to 200 characters, trimmed. */
export function checkText(name: string, text: string): string {
  const trimmed = typeof text === 'string' ? text.trim() : ''
  if (trimmed === '' || trimmed.length > 200 || trimmed.includes('\0')) {
    throw invalidArgument(`${name} must be a text of 1 to 200 characters.`, { argument: name })
  }
  return trimmed
}

/** ISO 3166-1 alpha-2, or '*' for every other country. */
export function checkPlace(country: string): string {
  if (!/^([A-Z]{2}|\*)$/.test(country)) {
    throw invalidArgument(
      'The country must be an upper-case two-letter code, such as DE, or * for every other country.',
      { country },
    )
  }
  return country
}

/** An ISO 8601 time, converted to UTC; null if there is none. */
export function checkTime(name: string, text: string | null | undefined): string | null {
  if (text == null) return null
  const time = Date.parse(text)
  if (Number.isNaN(time))
    throw invalidArgument(`${name} must be a time such as 2030-01-31T00:00:00Z.`, { [name]: text })
  return new Date(time).toISOString()
}
