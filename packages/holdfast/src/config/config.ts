/**
 * The configuration: one documented object, read from the environment. Every mistake is named at once, with the variable,
 * what was given and what is accepted; secrets are never printed (A12).
 */
import type { CheckoutConfig } from './checkout-config.ts'
import { configVariables } from './variables.ts'

/** What holds when nothing is configured. */
export const defaultConfig: Readonly<CheckoutConfig> = Object.freeze(
  Object.fromEntries(
    Object.entries(configVariables).map(([property, variable]) => [property, variable.default]),
  ) as unknown as CheckoutConfig,
)

/** One wrong variable. */
export interface ConfigMistake {
  variable: string
  /** What was given, for people; of a secret only its length. Null: nothing. */
  given: string | null
  accepted: string
}

/** Says every mistake at once, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly ConfigMistake[]
  constructor(mistakes: readonly ConfigMistake[]) {
    const lines = mistakes.map(({ variable, given, accepted }) =>
      given === null
        ? `${variable} is not set; accepted: ${accepted}`
        : `${variable} is ${given}; accepted: ${accepted}`,
    )
    super(
      `The configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n  ${lines.join('\n  ')}`,
    )
    this.mistakes = mistakes
  }
}

/**
 * Reads the configuration. A variable that is empty or blank counts as not set.
 * @throws {ConfigError} with every mistake in it.
 */
export function configFromEnvironment(environment: Readonly<Record<string, string | undefined>>): CheckoutConfig {
  const mistakes: ConfigMistake[] = []
  const entries = Object.entries(configVariables).map(([property, variable]) => {
    const given = environment[variable.variable]?.trim() ?? ''
    if (given === '') return [property, variable.default]
    const parsed = variable.parse.safeParse(given)
    if (parsed.success) return [property, parsed.data]
    mistakes.push({
      variable: variable.variable,
      given: told(given, variable.hidden ?? false),
      accepted: variable.accepted,
    })
    return [property, variable.default]
  })
  const config = Object.fromEntries(entries) as unknown as CheckoutConfig
  const wrong = new Set(mistakes.map(mistake => mistake.variable))
  if (config.environment === 'production' && config.secret === null && !wrong.has('CHECKOUT_SECRET')) {
    mistakes.push({ variable: 'CHECKOUT_SECRET', given: null, accepted: configVariables.secret.accepted })
  }
  if (
    config.ttlMinutes > config.maxTtlMinutes &&
    !wrong.has('CHECKOUT_TTL_MINUTES') &&
    !wrong.has('CHECKOUT_MAX_TTL_MINUTES')
  ) {
    mistakes.push({
      variable: 'CHECKOUT_TTL_MINUTES',
      given: `${config.ttlMinutes}`,
      accepted: `at most CHECKOUT_MAX_TTL_MINUTES, which is ${config.maxTtlMinutes}`,
    })
  }
  const isChosen = (environment.CHECKOUT_PAYMENT_GATEWAY?.trim() ?? '') !== ''
  if (!isChosen && (environment.STRIPE_SECRET_KEY?.trim() ?? '') !== '') config.gateway = 'stripe'
  mistakes.push(...[...stripeMistakes(config), ...alsoNeeded(config)].filter(({ variable }) => !wrong.has(variable)))
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return config
}

/** What is missing, or does not go together, for a shop that takes payments through Stripe. */
function stripeMistakes(config: CheckoutConfig): ConfigMistake[] {
  if (config.gateway !== 'stripe') return []
  const mistakes: ConfigMistake[] = (['stripeSecretKey', 'stripeWebhookSecret'] as const)
    .filter(property => config[property] === null)
    .map(property => {
      const { variable, accepted } = configVariables[property]
      return { variable, given: null, accepted }
    })
  const modeOf = (key: string | null) => /^[a-z]+_(test|live)_/.exec(key ?? '')?.[1]
  const mode = modeOf(config.stripeSecretKey)
  const shown = modeOf(config.stripePublishableKey)
  if (mode !== undefined && shown !== undefined && mode !== shown) {
    const accepted = `pk_${mode}_…, for STRIPE_SECRET_KEY is a ${mode} key`
    mistakes.push({ variable: 'STRIPE_PUBLISHABLE_KEY', given: `a ${shown} key`, accepted })
  }
  if (config.environment === 'production' && config.stripeApiUrl !== null) {
    const given = JSON.stringify(config.stripeApiUrl)
    mistakes.push({
      variable: 'STRIPE_API_URL',
      given,
      accepted: 'nothing in production: payments go to Stripe itself',
    })
  }
  return mistakes
}

/** One that is set and of no use without the other. */
const together = [
  ['smtpUrl', 'mailFrom'],
  ['webhookUrl', 'webhookSecret'],
] as const

function alsoNeeded(config: CheckoutConfig): ConfigMistake[] {
  return together
    .filter(([one, other]) => config[one] !== null && config[other] === null)
    .map(([, other]) => ({
      variable: configVariables[other].variable,
      given: null,
      accepted: configVariables[other].accepted,
    }))
}

function told(given: string, hidden: boolean): string {
  return hidden ? `not shown (${given.length} characters)` : JSON.stringify(given.slice(0, 60))
}
