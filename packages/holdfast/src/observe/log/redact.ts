/**
 * Takes out of anything what must not be written down (A12): by the name of its key, or by what it looks like. It never
 * throws, and what it gives is bounded, plain and without cycles, whatever it was given.
 */

const secretKey =
  /token|secret|session|^(proxy-)?authorization$|passw|cookie|(api|private)[-_]?key|card[-_]?number|^(pan|cvc|cvv)$|security[-_]?code|signature|sealed/i

const depthMax = 6
const membersMax = 100
/** Values in one line, all levels together. */
const valuesMax = 1_000
const textMax = 4_000

/** A run of 13 to 19 digits is a card number where Luhn's check digit is right. */
function asCard(run: string): string {
  const sum = [...run.replace(/\D/g, '')].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0 ? removed : run
}

const removed = '[removed]'

/** Cards begin so; times in milliseconds or microseconds begin with 1. */
const isCard = (value: number) =>
  value >= 2e13 && /^[2-6]\d{13,}$/.test(String(value)) && asCard(String(value)) === removed

/** None of them may look far ahead from many places: a text is as long as `textMax`, and lines are written on the way. */
const patterns: readonly (readonly [RegExp, string | ((run: string) => string)])[] = [
  // Anybody who has one of these addresses may write there.
  [/(hooks\.slack\.com|discord(?:app)?\.com\/api\/webhooks|webhook\.office\.com)\/[^\s"']+/gi, `$1/${removed}`],
  // postgres://user:password@host, with whatever stands in the password.
  [/:\/\/[^\s/?#@"':]*:[^\s"']*@/g, `://${removed}@`],
  [/\b([Bb]earer|Basic|Digest)\s+(?=[\w.~+/=-]*[\d_=+/.-]|[\w.~+/=-]{16})[\w.~+/=-]{6,}/g, `$1 ${removed}`],
  // token=…, "client_secret": "…", password: …
  [
    /((?:token|secret|passw(?:or)?d|(?:api|private)[-_]?key|authorization|cookie|signature|cv[cv]2?|security[-_]?code)["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi,
    `$1${removed}`,
  ],
  [/\bxox[a-z]-[\w-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, removed],
  [/\b(?:tok|ctoken|src|pm|sk|rk)_\w+|\bwhsec_[\w+/=-]+|\b\w+_secret_\w+|\btest_token\b/g, removed],
  [/(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])/g, asCard],
]

/** Where none of these stands, none of the above matches: so it is with nearly every text of a line. */
const marks =
  `:// hooks.slack discord office.com bearer basic digest token secret passw api private authorization cookie signature
  cvc cvv security xox eyj tok_ src_ pm_ sk_ rk_ whsec_`.split(/\s+/)
const manyDigits = /\d(?:[ -]?\d){12}/
const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/

function isSuspicious(value: string): boolean {
  if (value.length < 6 || (value.length === 36 && uuid.test(value))) return false
  const low = value.toLowerCase()
  return marks.some(mark => low.includes(mark)) || manyDigits.test(value)
}

function text(value: string): string {
  let clean = value.length > textMax ? value.slice(0, textMax) : value
  if (isSuspicious(clean)) {
    for (const [pattern, by] of patterns) clean = clean.replace(pattern, by as string)
  }
  return value.length > textMax ? `${clean}… [${value.length} characters]` : clean
}

interface Walk {
  values: number
  /** What the value at hand stands in. */
  above: unknown[]
}

interface Key {
  shown: string
  isSecret: boolean
}
/** Keys are the same few words in every line. */
const keysKnown = new Map<string, Key>()
const keysKnownMax = 1_000

function keyOf(key: string): Key {
  const known = keysKnown.get(key)
  if (known !== undefined) return known
  const judged = { shown: text(key), isSecret: secretKey.test(key) }
  if (keysKnown.size < keysKnownMax && key.length <= 64) keysKnown.set(key, judged)
  return judged
}

function fieldsOf(keys: readonly string[], read: (key: string) => unknown, walk: Walk): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const key of keys.slice(0, membersMax)) {
    const { shown, isSecret } = keyOf(key)
    try {
      const value = read(key)
      if (value !== undefined) fields[shown] = isSecret && value !== null ? removed : clean(value, walk)
    } catch {
      fields[shown] = '[unreadable]'
    }
  }
  if (keys.length > membersMax) fields['…'] = `${keys.length} in all`
  return fields
}

const errorKeys = ['name', 'message', 'code', 'stack', 'cause', 'errors']

function ofObject(value: object, walk: Walk): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return text(value.href)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, membersMax).map(member => clean(member, walk))
  if (value instanceof Set) return [...value].slice(0, membersMax).map(member => clean(member, walk))
  if (value instanceof Map) {
    const members = new Map([...value].map(([key, member]) => [String(key), member]))
    return fieldsOf([...members.keys()], key => members.get(key), walk)
  }
  const read = (key: string) => (value as Record<string, unknown>)[key]
  return fieldsOf(value instanceof Error ? errorKeys : Object.keys(value), read, walk)
}

function clean(value: unknown, walk: Walk): unknown {
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'bigint':
    case 'symbol':
      return text(String(value))
    case 'function':
      return '[function]'
    case 'number':
      return isCard(value) ? removed : value
    case 'object': {
      if (value === null) return null
      walk.values += 1
      if (walk.above.includes(value)) return '[cyclic]'
      if (walk.above.length >= depthMax) return '[deep]'
      if (walk.values > valuesMax) return '[more]'
      walk.above.push(value)
      try {
        return ofObject(value, walk)
      } catch {
        return '[unreadable]'
      } finally {
        walk.above.pop()
      }
    }
    default:
      return value
  }
}

/** Gives `value` as it may be written down. */
export function redact(value: unknown): unknown {
  return clean(value, { values: 0, above: [] })
}

/** The same for a text: without the keys, tokens and card numbers in it. */
export const redactText = (written: string): string => text(written)
