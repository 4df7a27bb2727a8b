/** What one environment variable is made of, and the kinds of them: whole numbers, flags, words and texts. */
import { z } from 'zod'

/** One environment variable: what it sets, and what it takes. */
export interface ConfigVariable<Value> {
  variable: string
  meaning: string
  /** What is accepted, as the end of the sentence "accepted: …". */
  accepted: string
  default: Value
  parse: z.ZodType<Value, string>
  /** Never printed. */
  hidden?: true
}

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

export function flag(variable: string, fallback: boolean, meaning: string): ConfigVariable<boolean> {
  const parse = z
    .string()
    .toLowerCase()
    .refine(text => Object.hasOwn(words, text))
    .transform(text => words[text] === true)
  return { variable, meaning, accepted: 'true or false', default: fallback, parse }
}

export function oneOf<const Word extends string>(
  variable: string,
  fallback: NoInfer<Word>,
  accepted: readonly Word[],
  meaning: string,
): ConfigVariable<Word> {
  const list = accepted.length === 1 ? `${accepted[0]}` : `${accepted.slice(0, -1).join(', ')} or ${accepted.at(-1)}`
  return { variable, meaning, accepted: list, default: fallback, parse: z.string().pipe(z.enum(accepted)) }
}

export function text<Fallback extends string | null>(
  variable: string,
  fallback: Fallback,
  accepted: string,
  parse: z.ZodType<string, string>,
  meaning: string,
): ConfigVariable<string | Fallback> {
  return { variable, meaning, accepted, default: fallback, parse }
}
