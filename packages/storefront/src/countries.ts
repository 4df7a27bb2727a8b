/** The countries a form offers. */
import { isCountry } from 'holdfast/http'

const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
let known: readonly { code: string; name: string }[] | undefined

/** Codes of ISO 3166-1 alpha-2 with their English names, by name. */
export function countries(): readonly { code: string; name: string }[] {
  if (known !== undefined) return known
  const names = new Intl.DisplayNames('en', { type: 'region' })
  known = letters
    .flatMap(first => letters.map(second => first + second))
    .filter(isCountry)
    .map(code => ({ code, name: names.of(code) ?? code }))
    .sort((one, other) => one.name.localeCompare(other.name, 'en'))
  return known
}
