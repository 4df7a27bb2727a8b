/** Checks a name in an operator's filter, so a misspelled name is an error instead of an empty list. */
import { CheckoutError } from './failure.ts'

/** Names listed in the message; the context has all. */
const listedMax = 50

/** @throws {CheckoutError} `invalid_argument`, with the known names, if `name` is none of them. */
export function checkKnownName(kind: 'listener' | 'gateway', name: string, known: Iterable<string>): void {
  const names = [...new Set(known)].sort()
  if (names.includes(name)) return
  const listed = names.slice(0, listedMax).join(', ')
  const more = names.length > listedMax ? `, and ${names.length - listedMax} more` : ''
  const hint = names.length === 0 ? `no ${kind} is known` : `known ${kind}s: ${listed}${more}`
  throw new CheckoutError('invalid_argument', `unknown ${kind} "${name}"; ${hint}`, { context: { known: names } })
}
