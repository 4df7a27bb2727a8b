/**
 * The one table that says which environment variable sets what, with what it takes and its default. `--help` and the
 * reference in `docs/operating.md` are made from it.
 */
import { z } from 'zod'
import { readIban } from '../domain/creditor-reference.ts'
import type { CheckoutConfig } from './checkout-config.ts'
import { isSmtpUrl } from './smtp-url.ts'
import { type ConfigVariable, flag, oneOf, text, whole } from './variable.ts'

function isLocale(given: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(given).length > 0
  } catch {
    return false
  }
}

function isTimeZone(given: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** As Standard Webhooks says: 24 to 64 random bytes. */
function isSigningSecret(given: string): boolean {
  const encoded = /^\s*whsec_([A-Za-z0-9+/]+={0,2})\s*$/.exec(given)?.[1]
  const { length } = Buffer.from(encoded ?? '', 'base64')
  return length >= 24 && length <= 64
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
  workerPort: whole(
    'CHECKOUT_WORKER_PORT',
    null,
    0,
    65_535,
    'the port on which holdfast work answers /metrics and /health; none: it does not listen',
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
    'minutes between two sweeps for what is over: expired locks, old webhooks',
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
  webhookRetentionDays: whole(
    'CHECKOUT_WEBHOOK_RETENTION_DAYS',
    90,
    7,
    36_500,
    'days for which the gateway’s webhooks are kept once they are done, so that one that comes again is known',
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
  baseUrl: text(
    'CHECKOUT_BASE_URL',
    null,
    'https://shop.example, without a path',
    z.url({ protocol: /^https?$/ }).refine(given => new URL(given).pathname === '/'),
    'where the shop is reached from outside: links in mails and messages lead there',
  ),
  shopName: text(
    'CHECKOUT_SHOP_NAME',
    'Holdfast',
    'a name of up to 70 characters',
    z.string().max(70),
    'the shop’s name',
  ),
  locale: text(
    'CHECKOUT_LOCALE',
    'en',
    'a language tag (BCP 47), like de-CH',
    z.string().refine(isLocale),
    'how money and dates are written in mails and messages',
  ),
  timeZone: text(
    'CHECKOUT_TIME_ZONE',
    'UTC',
    'a time zone (IANA), like Europe/Zurich',
    z.string().refine(isTimeZone),
    'the time zone of dates in mails and messages',
  ),
  smtpUrl: {
    ...text(
      'SMTP_URL',
      null,
      'smtp://user:password@host:port, or smtps://…, special characters percent-encoded',
      z.string().refine(isSmtpUrl),
      'the server that sends mail; none: in development mails are kept and shown at /dev/mail, else none are sent',
    ),
    hidden: true,
  },
  mailFrom: text(
    'CHECKOUT_MAIL_FROM',
    null,
    'an e-mail address; required where SMTP_URL is set',
    z.email(),
    'whom mails are from',
  ),
  notifyCustomer: flag('CHECKOUT_NOTIFY_CUSTOMER', true, 'mail the customer a confirmation of the order'),
  slackWebhookUrl: {
    ...text(
      'SLACK_WEBHOOK_URL',
      null,
      'https://hooks.slack.com/services/…',
      z.url({ protocol: /^https?$/ }),
      'the incoming webhook that tells a Slack channel of failures (with CHECKOUT_NOTIFY_ON_FAILURE)',
    ),
    hidden: true,
  },
  webhookUrl: {
    ...text(
      'CHECKOUT_WEBHOOK_URL',
      null,
      'https://host/path, without user and password',
      z.url({ protocol: /^https?$/ }).refine(given => new URL(given).username === '' && new URL(given).password === ''),
      'where events are sent, signed (Standard Webhooks)',
    ),
    // Of many receivers, whoever knows the path may write.
    hidden: true,
  },
  webhookSecret: {
    ...text(
      'CHECKOUT_WEBHOOK_SECRET',
      null,
      'whsec_ and 24 to 64 bytes in base64; two, separated by a comma, while one replaces the other; required where CHECKOUT_WEBHOOK_URL is set',
      z.string().refine(given => given.split(',').length <= 2 && given.split(',').every(isSigningSecret)),
      'what events are signed with',
    ),
    hidden: true,
  },
  redisUrl: {
    ...text(
      'CHECKOUT_REDIS_URL',
      null,
      'redis://user:password@host:port/database, or rediss://…',
      z.string().regex(/^rediss?:\/\/\S+$/),
      'the Redis server whose stream events are added to',
    ),
    hidden: true,
  },
  redisStream: text(
    'CHECKOUT_REDIS_STREAM',
    'holdfast:events',
    'a key of up to 200 characters',
    z.string().max(200),
    'the key of that stream',
  ),
  metricsSecret: {
    ...text(
      'CHECKOUT_METRICS_SECRET',
      null,
      'at least 16 characters',
      z.string().min(16),
      'opens /metrics, as a bearer token; none: open, but closed when NODE_ENV=production',
    ),
    hidden: true,
  },
}
