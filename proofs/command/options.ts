/** The options of a command: what each accepts, its default, and its line in the usage text. */
import { type ParseArgsConfig, parseArgs } from 'node:util'

/** The command was called with invalid options: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Option<Value> {
  /** The value in the usage text, such as `N`; null for a flag without value. */
  readonly placeholder: string | null
  readonly description: string
  /** @throws {UsageError} if the value is invalid. `given` is undefined if the option is absent. */
  read(name: string, given: string | boolean | undefined): Value
}

export type Options = Readonly<Record<string, Option<unknown>>>
export type Values<Of extends Options> = { readonly [Name in keyof Of]: ReturnType<Of[Name]['read']> }

/** Option names in code are in camel case, on the command line in kebab case. */
const dashed = (name: string) => name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

export const flag = (description: string): Option<boolean> => ({
  placeholder: null,
  description,
  read: (_, given) => given === true,
})

export const text = (placeholder: string, description: string): Option<string | null> => ({
  placeholder,
  description,
  read: (_, given) => (typeof given === 'string' ? given : null),
})

interface Range {
  /** Default 1. */
  min?: number
  max: number
}

/** @param fallback the value if the option is absent: a number, null, or a function that chooses one. */
export function wholeNumber<Fallback extends number | null>(
  placeholder: string,
  description: string,
  { min = 1, max, fallback }: Range & { fallback: Fallback | (() => Fallback) },
): Option<number | Fallback> {
  const shown = typeof fallback === 'number' ? ` (default ${fallback})` : ''
  return {
    placeholder,
    description: `${description}${shown}`,
    read(name, given) {
      if (given === undefined) return typeof fallback === 'function' ? fallback() : fallback
      const value = Number(given)
      if (!/^\d+$/.test(String(given)) || value < min || value > max) {
        throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not "${given}"`)
      }
      return value
    },
  }
}

export function decimal<Fallback extends number | null>(
  placeholder: string,
  description: string,
  { min, max, fallback }: Required<Range> & { fallback: Fallback },
): Option<number | Fallback> {
  return {
    placeholder,
    description: fallback === null ? description : `${description} (default ${fallback})`,
    read(name, given) {
      if (given === undefined) return fallback
      const value = Number(given)
      if (!(value >= min && value <= max)) {
        throw new UsageError(`--${name} must be a number from ${min} to ${max}, not "${given}"`)
      }
      return value
    },
  }
}

export function choice<const Choice extends string, Fallback extends Choice | null>(
  description: string,
  choices: readonly Choice[],
  fallback: Fallback,
): Option<Choice | Fallback> {
  return {
    placeholder: choices.join('|'),
    description: fallback === null ? description : `${description} (default ${fallback})`,
    read(name, given) {
      if (given === undefined) return fallback
      const found = choices.find(one => one === given)
      if (found === undefined) throw new UsageError(`--${name} must be ${choices.join(' or ')}, not "${given}"`)
      return found
    },
  }
}

/** A seed of the random choices; without the option a new one for each run. */
export const seed = (description: string, max = 4_294_967_295): Option<number> =>
  wholeNumber('S', `${description} (default: chosen at random)`, {
    max,
    fallback: () => 1 + Math.floor(Math.random() * 999_999),
  })

export const serverUrl = text('URL', 'use this PostgreSQL server, as superuser, instead of starting one')

export function usageOf(command: string, options: Options): string {
  const rows = Object.entries(options).map(([name, { placeholder, description }]) => [
    `--${dashed(name)}${placeholder === null ? '' : ` ${placeholder}`}`,
    description,
  ])
  const width = Math.max(...rows.map(([left = '']) => left.length)) + 2
  return `usage: ${command} [options]\n${rows.map(([left = '', right]) => `  ${left.padEnd(width)}${right}\n`).join('')}`
}

/** @throws {UsageError} for an unknown option or an invalid value. */
export function readOptions<Of extends Options>(options: Of, args: readonly string[]): Values<Of> {
  const names = Object.keys(options)
  const config: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    Object.entries(options).map(([name, { placeholder }]) => [
      dashed(name),
      { type: placeholder === null ? 'boolean' : 'string' },
    ]),
  )
  const given = parsed(args, config)
  return Object.fromEntries(
    names.map(name => [name, options[name]?.read(dashed(name), given[dashed(name)])]),
  ) as Values<Of>
}

function parsed(args: readonly string[], options: NonNullable<ParseArgsConfig['options']>) {
  try {
    return parseArgs({ args: [...args], options }).values as Record<string, string | boolean | undefined>
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
