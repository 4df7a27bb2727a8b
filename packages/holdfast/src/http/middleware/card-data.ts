/**
 * Detection of card numbers and security codes in request bodies. They are rejected before they are read, logged, or
 * stored (A12).
 */

/** Field names that only card data uses, in lower case and without punctuation. */
const fieldNames = new Set([
  'cvc',
  'cvv',
  'cvc2',
  'cvv2',
  'csc',
  'cardcvc',
  'cardcvv',
  'securitycode',
  'cardsecuritycode',
  'pan',
  'cardnumber',
  'cardno',
  'ccnumber',
  'creditcardnumber',
  'creditcard',
  'cardexpiry',
  'trackdata',
  'track1',
  'track2',
  'pinblock',
])

/** UUIDs are skipped: one in some thousands contains digits that pass as a card number. */
const uuids = /(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])/gi

/** 13 to 19 digits, separated by single spaces or dashes. A leading + or 0 marks a telephone number. */
const candidates = /(?<![\d+])[1-9](?:[ -]?\d){12,18}(?![ -]?\d)/g

function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index])
    const doubled = digit * 2
    sum += index % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/** True if `text` contains a possible card number. */
export function looksLikeCardNumber(text: string): boolean {
  if (text.length < 13) return false
  for (const [match] of text.replaceAll(uuids, '/').matchAll(candidates))
    if (passesLuhn(match.replaceAll(/[ -]/g, ''))) return true
  return false
}

/** True if the JSON value `value` contains card data, in a value or in the name of a field. */
export function holdsCardData(value: unknown): boolean {
  const queue: unknown[] = [value]
  while (queue.length > 0) {
    const item = queue.pop()
    if (
      typeof item === 'string'
        ? looksLikeCardNumber(item)
        : typeof item === 'number' && looksLikeCardNumber(String(item))
    )
      return true
    if (typeof item !== 'object' || item === null) continue
    for (const [name, inner] of Object.entries(item)) {
      if (
        !Array.isArray(item) &&
        (fieldNames.has(name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')) || looksLikeCardNumber(name))
      )
        return true
      queue.push(inner)
    }
  }
  return false
}
