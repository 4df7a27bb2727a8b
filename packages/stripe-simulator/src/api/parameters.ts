/** The parameters of endpoints: a rule for each, and Stripe's refusals of unknown, missing, and malformed ones. */
import type { FormFields, FormValue } from './form.ts'
import { invalid } from './refusal.ts'

/** Reads one parameter. `path` is its name as Stripe writes it: `payment_method_options[card]`. */
export type Rule<T> = (value: FormValue, path: string) => T
type Rules = Record<string, Rule<unknown>>
type Read<R extends Rules> = { [K in keyof R]?: ReturnType<R[K]> }

/** Null: the caller unset the parameter with an empty string. */
export type Metadata = Record<string, string> | null

const inner = (path: string, name: string): string => (path === '' ? name : `${path}[${name}]`)

function fieldsOf(value: FormValue, path: string): FormFields {
  if (typeof value === 'string') throw invalid('Invalid object', { param: path })
  return value
}

export const text: Rule<string> = (value, path) => {
  if (typeof value !== 'string') throw invalid('Invalid string', { param: path })
  if (value === '') {
    throw invalid(
      `You passed an empty string for '${path}'. We assume empty values are an attempt to unset a parameter; however '${path}' cannot be unset. You should remove '${path}' from your request or supply a non-empty value.`,
      { code: 'parameter_invalid_empty', param: path },
    )
  }
  if (value.length > 5_000) throw invalid(`Invalid string: must be at most 5000 characters`, { param: path })
  return value
}

export const integer: Rule<number> = (value, path) => {
  const digits = text(value, path)
  if (!/^-?\d{1,15}$/.test(digits)) {
    throw invalid(`Invalid integer: ${digits.slice(0, 100)}`, { code: 'parameter_invalid_integer', param: path })
  }
  return Number(digits)
}

export const positive: Rule<number> = (value, path) => {
  const number = integer(value, path)
  if (number < 1) {
    throw invalid('This value must be greater than or equal to 1.', { code: 'parameter_invalid_integer', param: path })
  }
  return number
}

export const flag: Rule<boolean> = (value, path) => {
  if (value === 'true') return true
  if (value === 'false') return false
  throw invalid(`Invalid boolean: ${typeof value === 'string' ? value.slice(0, 100) : 'hash'}`, { param: path })
}

/** A value that is accepted and ignored. */
export const anything: Rule<FormValue> = value => value

/** A parameter that changes where money goes and that the simulator does not support. Refused, not ignored. */
export const notSimulated: Rule<never> = (_, path) => {
  throw invalid(`This simulator does not support ${path}. Remove it, or test it with Stripe.`, { param: path })
}

export const emptyable =
  <T>(rule: Rule<T>): Rule<T | null> =>
  (value, path) =>
    value === '' ? null : rule(value, path)

export const either =
  <A, B>(first: Rule<A>, second: Rule<B>): Rule<A | B> =>
  (value, path) =>
    typeof value === 'string' ? first(value, path) : second(value, path)

export const choice =
  <const T extends string>(...words: readonly T[]): Rule<T> =>
  (value, path) => {
    const word = text(value, path)
    const found = words.find(one => one === word)
    if (found !== undefined) return found
    const list = words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')}, or ${words.at(-1)}`
    throw invalid(`Invalid ${path}: must be one of ${list}`, { param: path })
  }

export const list =
  <T>(rule: Rule<T>): Rule<T[]> =>
  (value, path) => {
    if (typeof value === 'string' || Object.keys(value).some(key => !/^\d+$/.test(key))) {
      throw invalid('Invalid array', { param: path })
    }
    return Object.keys(value)
      .sort((a, b) => Number(a) - Number(b))
      .map(key => rule(value[key] ?? '', inner(path, key)))
  }

export const texts = list(text)

function requireFew(count: number): void {
  if (count <= 50) return
  throw invalid(`Metadata can have up to 50 keys, but you've set ${count}.`, { param: 'metadata' })
}

/** At most 50 keys of 40 characters, with values of 500 characters. */
export const metadata: Rule<Metadata> = (value, path) => {
  if (value === '') return null
  requireFew(Object.keys(fieldsOf(value, path)).length)
  const read: Record<string, string> = {}
  for (const [key, entry] of Object.entries(fieldsOf(value, path))) {
    if (typeof entry !== 'string') throw invalid(`Invalid string: ${inner(path, key)}`, { param: inner(path, key) })
    if (key.length > 40) {
      throw invalid(
        `Metadata keys can have up to 40 characters, but you passed in a key that is ${key.length} characters. Invalid key: ${key}`,
        { param: path },
      )
    }
    if (entry.length > 500) {
      throw invalid(
        `Metadata values can have up to 500 characters, but you passed in a value that is ${entry.length} characters. Invalid value: ${entry}`,
        { param: path },
      )
    }
    read[key] = entry
  }
  return read
}

/** The new metadata of an object: an empty string unsets a key, and null unsets all keys. */
export function mergedMetadata(
  current: Readonly<Record<string, string>>,
  change: Metadata | undefined,
): Record<string, string> {
  if (change === undefined) return { ...current }
  if (change === null) return {}
  const merged = Object.fromEntries(Object.entries({ ...current, ...change }).filter(([, value]) => value !== ''))
  requireFew(Object.keys(merged).length)
  return merged
}

/** An object with known parameters. */
export const hash =
  <const R extends Rules, const Required extends keyof R & string = never>(
    rules: R,
    required: readonly Required[] = [],
  ): Rule<Read<R> & { [K in Required]: ReturnType<R[K]> }> =>
  (value, path) => {
    const fields = fieldsOf(value, path)
    const unknown = Object.keys(fields).filter(name => !Object.hasOwn(rules, name))
    if (unknown.length > 0) {
      const names = unknown.map(name => inner(path, name))
      throw invalid(`Received unknown parameter${names.length > 1 ? 's' : ''}: ${names.join(', ')}`, {
        code: 'parameter_unknown',
        param: names[0] ?? '',
      })
    }
    for (const name of required) {
      if (!Object.hasOwn(fields, name)) {
        const param = inner(path, name)
        throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param })
      }
    }
    const read: Record<string, unknown> = {}
    for (const [name, entry] of Object.entries(fields)) read[name] = rules[name]?.(entry, inner(path, name))
    return read as Read<R> & { [K in Required]: ReturnType<R[K]> }
  }
