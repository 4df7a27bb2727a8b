/**
 * The configuration: one documented object, and the one table that says which environment variable sets what.
 * Every mistake is named at once, with the variable, what was given and what is accepted; secrets are never printed (A12).
 */
import { z } from 'zod'
import { type ConfigVariable, flag, oneOf, text, whole } from './config-variable.ts'
import { readIban } from './payments/creditor-reference.ts'

export interface CheckoutConfig {
  /** `postgres://…`; null: the embedded database in `.holdfast/`. */
  databaseUrl: string | null
  port: number
  /** The address to listen on. */
  host: string
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
  /** Minutes between two sweeps for expired locks. Each lock also wakes up by itself when its time is over. */
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
  notifyOnFailure: boolean
  notifyOnExpiration: boolean
  notificationEmail: string | null
  /** `POST /checkout` a minute, by user, else by address. 0: no limit. */
  rateLimitPerMinute: number
}

/** The variables, by the property they set. */
export const configVariables: {
  readonly [Property in keyof CheckoutConfig]: ConfigVariable<CheckoutConfig[Property]>
} = {
  databaseUrl: {
    ...text(
      'DATABASE_URL',
      null,
      'postgres://user:password@host:port/database',
      z.string().regex(/^postgres(ql)?:\/\/\S+$/),
      'the PostgreSQL server; none: the embedded database in .holdfast/',
    ),
    hidden: true,
  },
  port: whole('PORT', 3000, 0, 65_535, 'the port to listen on; 0 takes any that is free'),
  host: text(
    'HOST',
    '127.0.0.1',
    'a host name or an address',
    z.string().regex(/^[A-Za-z0-9.:_-]+$/),
    'the address to listen on',
  ),
  environment: oneOf(
    'NODE_ENV',
    'development',
    ['development', 'test', 'production'],
    'production refuses to start without CHECKOUT_SECRET',
  ),
  secret: {
    ...text(
      'CHECKOUT_SECRET',
      null,
      'at least 32 characters; required when NODE_ENV=production',
      z.string().min(32),
      'signs sessions and seals payment tokens; else one is kept in .holdfast/secret',
    ),
    hidden: true,
  },
  adminSecret: {
    ...text(
      'CHECKOUT_ADMIN_SECRET',
      null,
      'at least 16 characters',
      z.string().min(16),
      'opens the console and /admin; none: closed',
    ),
    hidden: true,
  },
  currency: text(
    'CHECKOUT_CURRENCY',
    'USD',
    'an ISO 4217 code, like EUR',
    z
      .string()
      .toUpperCase()
      .regex(/^[A-Z]{3}$/),
    'the currency of new carts and imported prices',
  ),
  trustedProxyHeader: text(
    'CHECKOUT_TRUSTED_PROXY_HEADER',
    null,
    'the name of a header, like x-forwarded-for',
    z
      .string()
      .toLowerCase()
      .regex(/^[a-z0-9-]+$/),
    'where a trusted proxy puts the client’s address; none: no proxy is trusted',
  ),
  ttlMinutes: whole('CHECKOUT_TTL_MINUTES', 15, 1, 1_440, 'how long a lock lives'),
  maxTtlMinutes: whole('CHECKOUT_MAX_TTL_MINUTES', 60, 1, 1_440, 'the longest time to live a caller may ask for'),
  cleanupIntervalMinutes: whole(
    'CHECKOUT_CLEANUP_INTERVAL',
    5,
    1,
    1_440,
    'minutes between two sweeps for expired locks',
  ),
  priceDriftToleranceMinor: whole(
    'CHECKOUT_PRICE_DRIFT_TOLERANCE',
    1,
    0,
    1_000_000,
    'how far a price may move after it was frozen before it is reported, minor units',
  ),
  preventConcurrent: flag('CHECKOUT_PREVENT_CONCURRENT', true, 'a second session is refused while a cart is locked'),
  cartProtection: flag('CHECKOUT_ENABLE_CART_PROTECTION', true, 'carts are read-only while they are being checked out'),
  holdOn: oneOf(
    'CHECKOUT_HOLD_ON',
    'process',
    ['process', 'start'],
    'when stock is held: as payment begins or as soon as the checkout starts',
  ),
  loggingEnabled: flag('CHECKOUT_LOGGING_ENABLED', true, 'write log lines at all'),
  logChannel: oneOf(
    'CHECKOUT_LOG_CHANNEL',
    'stderr',
    ['stderr', 'checkout'],
    'standard error, or daily files in .holdfast/logs, 14 kept',
  ),
  logLevel: oneOf('LOG_LEVEL', 'info', ['debug', 'info', 'warn', 'error'], 'the least important line that is written'),
  logAllPhases: flag('CHECKOUT_LOG_ALL_PHASES', false, 'a line for every phase'),
  logFailures: flag('CHECKOUT_LOG_FAILURES', true, 'a line for every checkout that failed'),
  logRollbacks: flag('CHECKOUT_LOG_ROLLBACKS', true, 'a line for every step that was undone'),
  capture: oneOf(
    'CHECKOUT_CAPTURE',
    'at_once',
    ['at_once', 'later'],
    'when the money is taken: as the order is made, or later, by holdfast capture',
  ),
  gateway: oneOf(
    'CHECKOUT_PAYMENT_GATEWAY',
    'sandbox',
    ['sandbox', 'stripe', 'invoice'],
    'who takes the money; not set: Stripe where STRIPE_SECRET_KEY is set, else the sandbox, which takes none',
  ),
  invoiceDueDays: whole('CHECKOUT_INVOICE_DUE_DAYS', 14, 1, 365, 'days until an unpaid invoice lapses'),
  invoiceIban: text(
    'CHECKOUT_INVOICE_IBAN',
    null,
    'an IBAN, with or without gaps',
    z.string().refine(given => readIban(given) !== null),
    'the account that invoices are paid to, shown to buyers',
  ),
  invoiceAccountHolder: text(
    'CHECKOUT_INVOICE_ACCOUNT_HOLDER',
    null,
    'a name of up to 70 characters',
    z.string().max(70),
    'whose account that is',
  ),
  stripeSecretKey: {
    ...text(
      'STRIPE_SECRET_KEY',
      null,
      'sk_test_…, sk_live_…, rk_test_… or rk_live_…, from the Stripe dashboard',
      z.string().regex(/^(sk|rk)_(test|live)_\w{8,250}$/),
      'lets the shop take payments through Stripe',
    ),
    hidden: true,
  },
  stripeWebhookSecret: {
    ...text(
      'STRIPE_WEBHOOK_SECRET',
      null,
      'whsec_…, from the Stripe dashboard; two, separated by a comma, while one replaces the other',
      z.string().regex(/^whsec_[\w+/=]{8,250}(\s*,\s*whsec_[\w+/=]{8,250})?$/),
      'what Stripe signs its webhooks with (to /webhooks/stripe)',
    ),
    hidden: true,
  },
  stripePublishableKey: {
    ...text(
      'STRIPE_PUBLISHABLE_KEY',
      null,
      'pk_test_… or pk_live_…, from the Stripe dashboard',
      z.string().regex(/^pk_(test|live)_\w{8,250}$/),
      'lets a buyer confirm in the browser, in Stripe’s Payment Element',
    ),
    // What is refused here may be the secret key, set in the wrong place.
    hidden: true,
  },
  stripeApiUrl: text(
    'STRIPE_API_URL',
    null,
    'http://host:port',
    z.url({ protocol: /^https?$/ }),
    'another address than Stripe’s own, a simulator’s say; not in production',
  ),
  leaseSeconds: whole(
    'CHECKOUT_LEASE_SECONDS',
    45,
    4,
    3_600,
    'seconds after which a checkout of a process that died is carried on by another; a call to the gateway gets at most a quarter of it',
  ),
  paymentAuthTimeoutSeconds: whole(
    'CHECKOUT_PAYMENT_AUTH_TIMEOUT',
    300,
    1,
    86_400,
    'seconds an authorization may stay unsettled before it is abandoned through a fencing void',
  ),
  paymentCaptureTimeoutSeconds: whole(
    'CHECKOUT_PAYMENT_CAPTURE_TIMEOUT',
    3_600,
    1,
    604_800,
    'seconds a capture may be of unknown outcome before it needs attention',
  ),
  reconcileIntervalMinutes: whole(
    'CHECKOUT_RECONCILE_INTERVAL_MINUTES',
    60,
    0,
    10_080,
    'minutes between two comparisons of payments with the gateway’s own books; 0: only when asked',
  ),
  notifyOnFailure: flag('CHECKOUT_NOTIFY_ON_FAILURE', false, 'tell the shop of failed checkouts'),
  notifyOnExpiration: flag('CHECKOUT_NOTIFY_ON_EXPIRATION', false, 'tell the shop of expired checkouts'),
  notificationEmail: text('CHECKOUT_NOTIFICATION_EMAIL', null, 'an e-mail address', z.email(), 'whom to tell'),
  rateLimitPerMinute: whole(
    'CHECKOUT_RATE_LIMIT_PER_MINUTE',
    5,
    0,
    1_000_000,
    'POST /checkout a minute, by user, else by address; 0: no limit',
  ),
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
  mistakes.push(...stripeMistakes(config).filter(({ variable }) => !wrong.has(variable)))
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

function told(given: string, hidden: boolean): string {
  return hidden ? `not shown (${given.length} characters)` : JSON.stringify(given.slice(0, 60))
}
