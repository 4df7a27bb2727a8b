/**
 * Creditor references (ISO 11649: "RF", two check digits, up to 21 letters and digits) and IBANs (ISO 13616). Both have
 * check digits by ISO 7064 MOD 97-10, which detect every wrong character and nearly every transposition.
 */

/** With the first four characters moved to the end, and letters as numbers from A = 10, the text is 1 modulo 97. */
function hasValidCheckDigits(text: string): boolean {
  let rest = 0
  for (const letter of `${text.slice(4)}${text.slice(0, 4)}`) {
    const value = Number.parseInt(letter, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}

const normalize = (text: string): string => text.replaceAll(/[\s-]/g, '').toUpperCase()

/** Normalizes a typed creditor reference: upper case, without spaces and hyphens. Null if it is not valid. */
export function readReference(typed: string): string | null {
  const reference = normalize(typed)
  return /^RF\d{2}[0-9A-Z]{1,21}$/.test(reference) && hasValidCheckDigits(reference) ? reference : null
}

/** Normalizes a typed IBAN: upper case, without spaces and hyphens. Null if it is not valid. */
export function readIban(typed: string): string | null {
  const iban = normalize(typed)
  return /^[A-Z]{2}\d{2}[0-9A-Z]{11,30}$/.test(iban) && hasValidCheckDigits(iban) ? iban : null
}

/** Splits a text into groups of four, as both standards print them: "RF69 1000 01". */
export function inGroups(text: string): string {
  return text.replaceAll(/(.{4})(?=.)/g, '$1 ')
}
