/**
 * Takes out of anything what must not be written down (A12): by the name of its key, or by what it looks like. It never
 * throws, and what it gives is bounded, plain and without cycles, whatever it was given.
 */

const secretKey =
  /token|secret|session|^(proxy-)?authorization$|passw|cookie|api[-_]?key|card[-_]?number|^(pan|cvc|cvv)$|security[-_]?code|signature|sealed/i

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

const patterns: readonly (readonly [RegExp, string | ((run: string) => string)])[] = [
  // Anybody who has one of these addresses may write there.
  [
    /\b(hooks\.slack\.com\/[a-z]+|discord(?:app)?\.com\/api\/webhooks|[\w.-]+\.webhook\.office\.com)\/[^\s"']+/gi,
    `$1/${removed}`,
  ],
  // postgres://user:password@host, with whatever stands in the password.
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']*:[^\s"']*@/gi, `$1${removed}@`],
  [/\b(Bearer|Basic|Digest)\s+(?=[\w.~+/=-]*[\d_=+/.-]|[\w.~+/=-]{16})[\w.~+/=-]{6,}/g, `$1 ${removed}`],
  // token=…, "client_secret": "…", password: …
  [
    /([\w.-]*(?:token|secret|passw(?:or)?d|api[-_]?key|authorization|cookie|signature)["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi,
    `$1${removed}`,
  ],
  [/\bxox[a-z]-[\w-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, removed],
  [/\b(?:tok|pm|sk|rk)_\w+|\bwhsec_[\w+/=-]+|\b\w+_secret_\w+|\btest_token\b/g, removed],
  [/(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])/g, asCard],
]

/** Most texts are ids, words and times; nothing of the above lacks all of these. */
const suspicious = /:\/\/|[=:]\s*\S|[a-z]_\w|hooks?\.|discord|eyJ|xox|earer\s|asic\s|igest\s|\d[\d -]{11}/

function text(value: string): string {
  let clean = value.length > textMax ? value.slice(0, textMax) : value
  if (suspicious.test(clean)) {
    for (const [pattern, by] of patterns) clean = clean.replace(pattern, by as string)
  }
  return value.length > textMax ? `${clean}… [${value.length} characters]` : clean
}

interface Walk {
  values: number
  /** What the value at hand stands in. */
  above: unknown[]
}

function isSecret(key: string, value: unknown): boolean {
  return value !== null && value !== undefined && secretKey.test(key)
}

function fieldsOf(entries: Iterable<readonly [string, () => unknown]>, walk: Walk): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  let count = 0
  for (const [key, read] of entries) {
    count += 1
    if (count > membersMax) {
      fields['…'] = 'more'
      break
    }
    try {
      const value = read()
      if (value === undefined) continue
      fields[text(key)] = isSecret(key, value) ? removed : clean(value, walk)
    } catch {
      fields[text(key)] = '[unreadable]'
    }
  }
  return fields
}

function* own(value: object, keys: readonly string[]): Generator<readonly [string, () => unknown]> {
  for (const key of keys) yield [key, () => (value as Record<string, unknown>)[key]]
}

function ofObject(value: object, walk: Walk): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return text(value.href)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, membersMax).map(member => clean(member, walk))
  if (value instanceof Set) return [...value].slice(0, membersMax).map(member => clean(member, walk))
  if (value instanceof Map) {
    return fieldsOf(
      [...value].map(([key, member]) => [String(key), () => member] as const),
      walk,
    )
  }
  if (value instanceof Error) {
    const keys = ['name', 'message', 'code', 'stack', 'cause', 'errors']
    return fieldsOf(own(value, keys), walk)
  }
  return fieldsOf(own(value, Object.keys(value)), walk)
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
