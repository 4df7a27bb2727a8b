/**
 * The configuration: one documented object, read from the environment. Every mistake is named at once, with the variable,
 * what was given and what is accepted; secrets are never printed (A12).
 */
import { configVariables } from './variables.ts'

export interface CheckoutConfig {
  /** `postgres://…`; null: the embedded database in `.holdfast/`. */
  databaseUrl: string | null
  port: number
  /** The address to listen on. */
  host: string
  /** Where `holdfast work` answers `/metrics` and `/health`. Null: it does not listen. */
  workerPort: number | null
  environment: 'development' | 'test' | 'production'
  /** Signs sessions and seals payment tokens; at least 32 characters. Null only outside production. */
  secret: string | null
  /** Opens the console and `/admin`; at least 16 characters. Null: they stay closed. */
  adminSecret: string | null
  /** ISO 4217; of new carts and imported prices. */
  currency: string
  /** The request header that names the client's address, lower case. Null: no proxy is trusted. */
  trustedProxyHeader: string | null
  /** How long a lock lives, minutes. */
  ttlMinutes: number
  /** The longest time to live that a caller may ask for, minutes. */
  maxTtlMinutes: number
  /** Minutes between two sweeps for what is over: expired locks, old webhooks. Each lock also wakes up by itself when its time is over. */
  cleanupIntervalMinutes: number
  /** A price that moved by more than this after it was frozen is reported as drift. Minor units. */
  priceDriftToleranceMinor: number
  /** A second session is refused while a cart is locked. */
  preventConcurrent: boolean
  /** Carts are read-only while they are being checked out. */
  cartProtection: boolean
  /** When stock is held: as payment begins (`process`) or as soon as the checkout starts (`start`). */
  holdOn: 'process' | 'start'
  loggingEnabled: boolean
  /** `stderr`, or `checkout`: daily files `.holdfast/logs/checkout-YYYY-MM-DD.log`, 14 kept. */
  logChannel: 'stderr' | 'checkout'
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** A line for every phase, not only for start and end. */
  logAllPhases: boolean
  logFailures: boolean
  logRollbacks: boolean
  /** When the money is taken: as the order is made (`at_once`), or when the shop says so (`later`). */
  capture: 'at_once' | 'later'
  /** Who takes the money. From the environment: Stripe as soon as there is a key for it. */
  gateway: 'sandbox' | 'stripe' | 'invoice'
  /** Days until an invoice lapses. */
  invoiceDueDays: number
  /** The account that invoices are paid to. */
  invoiceIban: string | null
  invoiceAccountHolder: string | null
  /** `sk_…` or `rk_…`. */
  stripeSecretKey: string | null
  /** `whsec_…`, what Stripe signs webhooks with; two, separated by a comma, while one replaces the other. */
  stripeWebhookSecret: string | null
  /** `pk_…`, for Stripe's form in the browser. */
  stripePublishableKey: string | null
  /** Where Stripe's API is; null: at Stripe. For a simulator, and never in production. */
  stripeApiUrl: string | null
  /** How long whoever works on a checkout may be silent, a dead process say, before another carries it on, seconds. */
  leaseSeconds: number
  /** How long an authorization may stay unsettled before it is abandoned through a fencing void, seconds. */
  paymentAuthTimeoutSeconds: number
  /** How long a capture may be of unknown outcome before it needs attention, seconds. It is never abandoned. */
  paymentCaptureTimeoutSeconds: number
  /** Minutes between two comparisons with the gateway's own books. 0: none by itself. */
  reconcileIntervalMinutes: number
  /** Days for which webhooks are kept once they are done, so that one that comes again is known. */
  webhookRetentionDays: number
  notifyOnFailure: boolean
  notifyOnExpiration: boolean
  notificationEmail: string | null
  /** `POST /checkout` a minute, by user, else by address. 0: no limit. */
  rateLimitPerMinute: number
  /** Where the shop is reached from outside ("https://shop.example"); null: what a request says, and no links in messages. */
  baseUrl: string | null
  shopName: string
  /** BCP 47; how money and dates are written in mails and messages. */
  locale: string
  /** IANA; of dates in mails and messages. */
  timeZone: string
  /** `smtp://…` or `smtps://…`, with user and password. */
  smtpUrl: string | null
  mailFrom: string | null
  /** Mail the customer a confirmation. */
  notifyCustomer: boolean
  slackWebhookUrl: string | null
  /** Where events are sent, signed. */
  webhookUrl: string | null
  /** `whsec_…`; two, separated by a comma, while one replaces the other: both sign. */
  webhookSecret: string | null
  /** `redis://…` or `rediss://…`. */
  redisUrl: string | null
  redisStream: string
  /** Opens `/metrics`, as a bearer token; at least 16 characters. Null: open outside production, closed in it. */
  metricsSecret: string | null
}

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
