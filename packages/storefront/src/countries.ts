/** The countries of address forms: ISO 3166-1 alpha-2 codes with their names. */
import { isCountry } from 'holdfast/http'

const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
const cache = new Map<string, readonly { code: string; name: string }[]>()

/**
 * All countries, sorted by name.
 * @param language BCP 47, of the names.
 */
export function countries(language: string): readonly { code: string; name: string }[] {
  const cached = cache.get(language)
  if (cached !== undefined) return cached
  const names = new Intl.DisplayNames(language, { type: 'region' })
  const found = letters
    .flatMap(first => letters.map(second => first + second))
    .filter(isCountry)
    .map(code => ({ code, name: names.of(code) ?? code }))
    .sort((one, other) => one.name.localeCompare(other.name, language))
  cache.set(language, found)
  return found
}
