/**
 * The configuration, read from the environment. One error lists every invalid variable with its value and the accepted
 * values. Protects A12: secrets are never printed.
 */
import type { CheckoutConfig } from './checkout-config.ts'
import { configVariables } from './variables.ts'

/** The configuration without any setting. */
export const defaultConfig: Readonly<CheckoutConfig> = Object.freeze(
  Object.fromEntries(
    Object.entries(configVariables).map(([property, variable]) => [property, variable.default]),
  ) as unknown as CheckoutConfig,
)

/** One invalid variable. */
export interface ConfigMistake {
  variable: string
  /** The value as text for people; for a secret only its length. Null: not set. */
  given: string | null
  accepted: string
}

/** The configuration is invalid. The message has one line per mistake. */
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
      `the configuration has ${mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`}:\n  ${lines.join('\n  ')}`,
    )
    this.mistakes = mistakes
  }
}

/**
 * Reads the configuration from environment variables. An empty or blank variable counts as not set.
 * @throws {ConfigError} that lists every mistake.
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
      given: shown(given, variable.hidden ?? false),
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
  mistakes.push(
    ...[...stripeMistakes(config), ...missingRequirements(config)].filter(({ variable }) => !wrong.has(variable)),
  )
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return config
}

/** Missing or contradicting settings of a shop with Stripe. */
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
  const publishableMode = modeOf(config.stripePublishableKey)
  if (mode !== undefined && publishableMode !== undefined && mode !== publishableMode) {
    const accepted = `pk_${mode}_…, because STRIPE_SECRET_KEY is a ${mode} key`
    mistakes.push({ variable: 'STRIPE_PUBLISHABLE_KEY', given: `a ${publishableMode} key`, accepted })
  }
  if (config.environment === 'production' && config.stripeApiUrl !== null) {
    const given = JSON.stringify(config.stripeApiUrl)
    mistakes.push({
      variable: 'STRIPE_API_URL',
      given,
      accepted: 'not set, because NODE_ENV is production',
    })
  }
  return mistakes
}

/** The first setting requires the second. */
const requirements = [
  ['smtpUrl', 'mailFrom'],
  ['webhookUrl', 'webhookSecret'],
] as const

function missingRequirements(config: CheckoutConfig): ConfigMistake[] {
  return requirements
    .filter(([property, required]) => config[property] !== null && config[required] === null)
    .map(([, required]) => ({
      variable: configVariables[required].variable,
      given: null,
      accepted: configVariables[required].accepted,
    }))
}

function shown(given: string, hidden: boolean): string {
  return hidden ? `not shown (${given.length} characters)` : JSON.stringify(given.slice(0, 60))
}
