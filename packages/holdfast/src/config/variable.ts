/** The definition of one setting, and its kinds: whole number, flag, word, and text. */
import { z } from 'zod'

/** One setting and the environment variable that sets it. */
export interface ConfigVariable<Value> {
  /** Name of the environment variable. */
  variable: string
  /** A phrase without a full stop: "port to listen on". */
  meaning: string
  /** The accepted values, as the end of "accepted: …". */
  accepted: string
  default: Value
  /** Reads the text of the variable. */
  parse: z.ZodType<Value, string>
  /** The value is never printed. */
  hidden?: true
}

/** A whole number from `min` to `max`. */
export function whole<Fallback extends number | null>(
  variable: string,
  fallback: Fallback,
  min: number,
  max: number,
  meaning: string,
): ConfigVariable<number | Fallback> {
  const parse = z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
  return { variable, meaning, accepted: `a whole number from ${min} to ${max}`, default: fallback, parse }
}

const words: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
}

/** True or false. */
export function flag(variable: string, fallback: boolean, meaning: string): ConfigVariable<boolean> {
  const parse = z
    .string()
    .toLowerCase()
    .refine(text => Object.hasOwn(words, text))
    .transform(text => words[text] === true)
  return { variable, meaning, accepted: 'true or false', default: fallback, parse }
}

/** One word of a list. */
export function oneOf<const Word extends string>(
  variable: string,
  fallback: NoInfer<Word>,
  accepted: readonly Word[],
  meaning: string,
): ConfigVariable<Word> {
  const comma = accepted.length > 2 ? ',' : ''
  const list =
    accepted.length === 1 ? `${accepted[0]}` : `${accepted.slice(0, -1).join(', ')}${comma} or ${accepted.at(-1)}`
  return { variable, meaning, accepted: list, default: fallback, parse: z.string().pipe(z.enum(accepted)) }
}

/** Any text that `parse` accepts. */
export function text<Fallback extends string | null>(
  variable: string,
  fallback: Fallback,
  accepted: string,
  parse: z.ZodType<string, string>,
  meaning: string,
): ConfigVariable<string | Fallback> {
  return { variable, meaning, accepted, default: fallback, parse }
}
