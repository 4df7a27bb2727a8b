/** Refuses unknown option names, so that a misspelled option of a JavaScript caller is never silently ignored. */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { defaultConfig } from '../config/config.ts'
import { CheckoutError } from '../domain/failure.ts'

/** One entry per option: the type checker refuses a table that lacks one. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>

/**
 * Checks the names of the options given to `call`, and of the settings in their `config`.
 * @throws {CheckoutError} `invalid_argument` naming the unknown options and the known ones.
 */
export function checkOptionNames<Options extends { config?: Partial<CheckoutConfig> }>(
  call: string,
  options: Options,
  known: OptionNames<Options>,
): void {
  refuseUnknown(call, options, known)
  refuseUnknown(`${call}({ config })`, options.config ?? {}, defaultConfig)
}

function refuseUnknown(owner: string, given: object, known: object): void {
  const unknown = Object.keys(given).filter(name => !Object.hasOwn(known, name))
  if (unknown.length === 0) return
  const knownNames = Object.keys(known).sort()
  const named = unknown.map(name => `"${name}"`).join(', ')
  throw new CheckoutError(
    'invalid_argument',
    `unknown option${unknown.length === 1 ? '' : 's'} ${named} of ${owner}; known options: ${knownNames.join(', ')}`,
    { context: { unknown, known: knownNames } },
  )
}
