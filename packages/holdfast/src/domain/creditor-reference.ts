/**
 * Creditor references (ISO 11649: "RF", two check digits, up to 21 letters and digits) and IBANs (ISO 13616). Both are
 * checked by ISO 7064, MOD 97-10: it finds every single wrong character and nearly every swap of two.
 */

/** Its first four characters behind the others, letters as numbers from A = 10 on: modulo 97 that is 1. */
function isChecked(text: string): boolean {
  let rest = 0
  for (const letter of `${text.slice(4)}${text.slice(0, 4)}`) {
    const value = Number.parseInt(letter, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}

const withoutGaps = (text: string): string => text.replaceAll(/[\s-]/g, '').toUpperCase()

/** A reference as somebody typed it, with gaps or in small letters, in one spelling; null where it is none, mistyped say. */
export function readReference(typed: string): string | null {
  const reference = withoutGaps(typed)
  return /^RF\d{2}[0-9A-Z]{1,21}$/.test(reference) && isChecked(reference) ? reference : null
}

/** An IBAN in one spelling; null where it is none. */
export function readIban(typed: string): string | null {
  const iban = withoutGaps(typed)
  return /^[A-Z]{2}\d{2}[0-9A-Z]{11,30}$/.test(iban) && isChecked(iban) ? iban : null
}

/** In groups of four, as both standards print them: "RF69 1000 01". */
export function inGroups(text: string): string {
  return text.replaceAll(/(.{4})(?=.)/g, '$1 ')
}
