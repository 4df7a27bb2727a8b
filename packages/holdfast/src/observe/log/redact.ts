/**
 * Removes secrets and card numbers from log fields, errors and texts (A12), by the name of a key or the form of a value.
 * Never throws. The result is plain, bounded in size, and has no cycles, for any input.
 */
import { validate } from 'uuid'

const secretKey =
  /token|secret|session|^(proxy-)?authorization$|passw|cookie|(api|private)[-_]?key|card[-_]?number|^(pan|cvc|cvv)$|security[-_]?code|signature|sealed/i

const depthMax = 6
const membersMax = 100
/** Values per line, over all levels. */
const valuesMax = 1_000
const textMax = 4_000

/** Removes a run of 13 to 19 digits if its Luhn check digit is right, as that of a card number is. */
function withoutCard(run: string): string {
  const sum = [...run.replace(/\D/g, '')].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0 ? removed : run
}

const removed = '[removed]'

/** Card numbers begin with 2 to 6; times in milliseconds or microseconds begin with 1. */
const isCard = (value: number) =>
  value >= 2e13 && /^[2-6]\d{13,}$/.test(String(value)) && withoutCard(String(value)) === removed

/** No pattern may backtrack far from many positions: texts have up to `textMax` characters, and requests wait for them. */
const patterns: readonly (readonly [RegExp, string | ((run: string) => string)])[] = [
  // Webhook addresses that let their holder post messages.
  [/(hooks\.slack\.com|discord(?:app)?\.com\/api\/webhooks|webhook\.office\.com)\/[^\s"']+/gi, `$1/${removed}`],
  // postgres://user:password@host, with any character in the password.
  [/:\/\/[^\s/?#@"':]*:[^\s"']*@/g, `://${removed}@`],
  [/\b([Bb]earer|Basic|Digest)\s+(?=[\w.~+/=-]*[\d_=+/.-]|[\w.~+/=-]{16})[\w.~+/=-]{6,}/g, `$1 ${removed}`],
  // token=…, "client_secret": "…", password: …
  [
    /((?:token|secret|passw(?:or)?d|(?:api|private)[-_]?key|authorization|cookie|signature|cv[cv]2?|security[-_]?code)["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi,
    `$1${removed}`,
  ],
  [/\bxox[a-z]-[\w-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, removed],
  [/\b(?:tok|ctoken|src|pm|sk|rk)_\w+|\bwhsec_[\w+/=-]+|\b\w+_secret_\w+|\btest_token\b/g, removed],
  [/(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])/g, withoutCard],
]

/** A text without any of these matches no pattern. Nearly every text is skipped by this cheap test. */
const marks =
  `:// hooks.slack discord office.com bearer basic digest token secret passw api private authorization cookie signature
  cvc cvv security xox eyj tok_ src_ pm_ sk_ rk_ whsec_`.split(/\s+/)
const manyDigits = /\d(?:[ -]?\d){12}/

function isSuspicious(value: string): boolean {
  if (value.length < 6 || (value.length === 36 && validate(value))) return false
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
  /** The objects that contain the current value, outermost first. */
  ancestors: unknown[]
}

interface Key {
  shown: string
  isSecret: boolean
}
/** Lines repeat the same few keys, so the result per key is cached. */
const keyCache = new Map<string, Key>()
const keyCacheMax = 1_000

function keyOf(key: string): Key {
  const known = keyCache.get(key)
  if (known !== undefined) return known
  const result = { shown: text(key), isSecret: secretKey.test(key) }
  if (keyCache.size < keyCacheMax && key.length <= 64) keyCache.set(key, result)
  return result
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

function cleanObject(value: object, walk: Walk): unknown {
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
      if (walk.ancestors.includes(value)) return '[cyclic]'
      if (walk.ancestors.length >= depthMax) return '[deep]'
      if (walk.values > valuesMax) return '[more]'
      walk.ancestors.push(value)
      try {
        return cleanObject(value, walk)
      } catch {
        return '[unreadable]'
      } finally {
        walk.ancestors.pop()
      }
    }
    default:
      return value
  }
}

/** A copy of `value` without secrets, safe to write to a log. */
export function redact(value: unknown): unknown {
  return clean(value, { values: 0, ancestors: [] })
}

/** The same text without the keys, tokens and card numbers in it. */
export const redactText = (value: string): string => text(value)
