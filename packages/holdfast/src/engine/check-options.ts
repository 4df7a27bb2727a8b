/** Refuses unknown option names, so that a misspelt option of a JavaScript caller is never silently ignored. */
import { CheckoutError } from '../domain/failure.ts'

/** One entry per option: the type checker refuses a table that lacks one. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>

/**
 * Checks the names of the options given to `call`.
 * @throws {CheckoutError} `invalid_argument` naming the unknown options and the known ones.
 */
export function checkOptionNames<Options extends object>(
  call: string,
  options: Options,
  known: OptionNames<Options>,
): void {
  const unknown = Object.keys(options).filter(name => !Object.hasOwn(known, name))
  if (unknown.length === 0) return
  const knownNames = Object.keys(known).sort()
  const named = unknown.map(name => `"${name}"`).join(', ')
  throw new CheckoutError(
    'invalid_argument',
    `unknown option${unknown.length === 1 ? '' : 's'} ${named} of ${call}; known options: ${knownNames.join(', ')}`,
    { context: { unknown, known: knownNames } },
  )
}
