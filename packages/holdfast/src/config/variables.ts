/**
 * The table of settings: environment variable, accepted values, default, and meaning. `holdfast --help` and the reference
 * in `docs/operating.md` are generated from it.
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

/** 24 to 64 random bytes, as Standard Webhooks requires: https://www.standardwebhooks.com */
function isSigningSecret(given: string): boolean {
  const encoded = /^\s*whsec_([A-Za-z0-9+/]+={0,2})\s*$/.exec(given)?.[1]
  const { length } = Buffer.from(encoded ?? '', 'base64')
  return length >= 24 && length <= 64
}

/** The settings by property of `CheckoutConfig`. */
export const configVariables: {
  readonly [Property in keyof CheckoutConfig]: ConfigVariable<CheckoutConfig[Property]>
} = {
  databaseUrl: {
    ...text(
      'DATABASE_URL',
      null,
      'postgres://user:password@host:port/database',
      z.string().regex(/^postgres(ql)?:\/\/\S+$/),
      'PostgreSQL server; not set: the embedded database in .holdfast/',
    ),
    hidden: true,
  },
  port: whole('PORT', 3000, 0, 65_535, 'port to listen on; 0: any free port'),
  host: text(
    'HOST',
    '127.0.0.1',
    'a host name or an IP address',
    z.string().regex(/^[A-Za-z0-9.:_-]+$/),
    'address to listen on',
  ),
  workerPort: whole(
    'CHECKOUT_WORKER_PORT',
    null,
    0,
    65_535,
    'port on which holdfast work serves /metrics and /health; not set: none',
  ),
  environment: oneOf(
    'NODE_ENV',
    'development',
    ['development', 'test', 'production'],
    'environment; production requires CHECKOUT_SECRET',
  ),
  secret: {
    ...text(
      'CHECKOUT_SECRET',
      null,
      'at least 32 characters; required if NODE_ENV is production',
      z.string().min(32),
      'signs sessions and encrypts payment tokens; not set: a generated one in .holdfast/secret',
    ),
    hidden: true,
  },
  adminSecret: {
    ...text(
      'CHECKOUT_ADMIN_SECRET',
      null,
      'at least 16 characters',
      z.string().min(16),
      'bearer token for /admin; not set: /admin is disabled',
    ),
    hidden: true,
  },
  currency: text(
    'CHECKOUT_CURRENCY',
    'USD',
    'a three-letter ISO 4217 code, such as EUR',
    z
      .string()
      .toUpperCase()
      .regex(/^[A-Z]{3}$/),
    'currency of new carts and imported prices',
  ),
  trustedProxyHeader: text(
    'CHECKOUT_TRUSTED_PROXY_HEADER',
    null,
    'a header name, such as x-forwarded-for',
    z
      .string()
      .toLowerCase()
      .regex(/^[a-z0-9-]+$/),
    'header in which a trusted proxy sends the client address; not set: no proxy is trusted',
  ),
  ttlMinutes: whole('CHECKOUT_TTL_MINUTES', 15, 1, 1_440, 'default time to live of a checkout lock, minutes'),
  maxTtlMinutes: whole(
    'CHECKOUT_MAX_TTL_MINUTES',
    60,
    1,
    1_440,
    'longest time to live that a caller may request, minutes',
  ),
  cleanupIntervalMinutes: whole(
    'CHECKOUT_CLEANUP_INTERVAL',
    5,
    1,
    1_440,
    'interval for deleting old webhooks, minutes; each lock expires on time by itself',
  ),
  priceDriftToleranceMinor: whole(
    'CHECKOUT_PRICE_DRIFT_TOLERANCE',
    1,
    0,
    1_000_000,
    'price change after the price lock above which a drift is reported, minor units',
  ),
  preventConcurrent: flag('CHECKOUT_PREVENT_CONCURRENT', true, 'refuse a second session while a cart is locked'),
  cartProtection: flag('CHECKOUT_ENABLE_CART_PROTECTION', true, 'make a cart read-only while it is locked'),
  holdOn: oneOf(
    'CHECKOUT_HOLD_ON',
    'process',
    ['process', 'start'],
    'when stock is held: when payment begins, or when the checkout starts',
  ),
  loggingEnabled: flag('CHECKOUT_LOGGING_ENABLED', true, 'write log lines'),
  logChannel: oneOf(
    'CHECKOUT_LOG_CHANNEL',
    'stderr',
    ['stderr', 'checkout'],
    'log to standard error, or to daily files in .holdfast/logs (the last 14 are kept)',
  ),
  logLevel: oneOf('LOG_LEVEL', 'info', ['debug', 'info', 'warn', 'error'], 'lowest level that is written'),
  logAllPhases: flag('CHECKOUT_LOG_ALL_PHASES', false, 'log every completed phase'),
  logFailures: flag('CHECKOUT_LOG_FAILURES', true, 'log every failed checkout'),
  logRollbacks: flag('CHECKOUT_LOG_ROLLBACKS', true, 'log every rollback step'),
  capture: oneOf(
    'CHECKOUT_CAPTURE',
    'at_once',
    ['at_once', 'later'],
    'when payments are captured: with the order, or later by holdfast capture',
  ),
  gateway: oneOf(
    'CHECKOUT_PAYMENT_GATEWAY',
    'sandbox',
    ['sandbox', 'stripe', 'invoice'],
    'payment gateway; not set: Stripe if STRIPE_SECRET_KEY is set, otherwise the sandbox, which charges nothing',
  ),
  invoiceDueDays: whole('CHECKOUT_INVOICE_DUE_DAYS', 14, 1, 365, 'days until an unpaid invoice expires'),
  invoiceIban: text(
    'CHECKOUT_INVOICE_IBAN',
    null,
    'an IBAN, with or without spaces',
    z.string().refine(given => readIban(given) !== null),
    'account to which invoices are paid, shown to buyers',
  ),
  invoiceAccountHolder: text(
    'CHECKOUT_INVOICE_ACCOUNT_HOLDER',
    null,
    'up to 70 characters',
    z.string().max(70),
    'holder of that account',
  ),
  stripeSecretKey: {
    ...text(
      'STRIPE_SECRET_KEY',
      null,
      'sk_test_…, sk_live_…, rk_test_…, or rk_live_… from the Stripe dashboard',
      z.string().regex(/^(sk|rk)_(test|live)_\w{8,250}$/),
      'API key for payments through Stripe',
    ),
    hidden: true,
  },
  stripeWebhookSecret: {
    ...text(
      'STRIPE_WEBHOOK_SECRET',
      null,
      'whsec_… from the Stripe dashboard; two, separated by a comma, while rotating the secret',
      z.string().regex(/^whsec_[\w+/=]{8,250}(\s*,\s*whsec_[\w+/=]{8,250})?$/),
      'signing secret of Stripe’s webhooks to /webhooks/stripe',
    ),
    hidden: true,
  },
  stripePublishableKey: {
    ...text(
      'STRIPE_PUBLISHABLE_KEY',
      null,
      'pk_test_… or pk_live_… from the Stripe dashboard',
      z.string().regex(/^pk_(test|live)_\w{8,250}$/),
      'key for Stripe’s Payment Element in the browser',
    ),
    // A refused value may be the secret key, set in the wrong variable.
    hidden: true,
  },
  stripeApiUrl: text(
    'STRIPE_API_URL',
    null,
    'http://host:port',
    z.url({ protocol: /^https?$/ }),
    'API address of a Stripe simulator; not set: Stripe; refused in production',
  ),
  leaseSeconds: whole(
    'CHECKOUT_LEASE_SECONDS',
    45,
    4,
    3_600,
    'seconds after which another process takes over a checkout of a dead process; a gateway call may take a quarter of it, at most 10 seconds',
  ),
  paymentAuthTimeoutSeconds: whole(
    'CHECKOUT_PAYMENT_AUTH_TIMEOUT',
    300,
    1,
    86_400,
    'seconds after which an authorization without a final answer is ended by a fencing void',
  ),
  paymentCaptureTimeoutSeconds: whole(
    'CHECKOUT_PAYMENT_CAPTURE_TIMEOUT',
    3_600,
    1,
    604_800,
    'seconds after which a capture of unknown outcome raises an alert',
  ),
  reconcileIntervalMinutes: whole(
    'CHECKOUT_RECONCILE_INTERVAL_MINUTES',
    60,
    0,
    10_080,
    'interval for comparing payments with the gateway’s records, minutes; 0: never automatically',
  ),
  webhookRetentionDays: whole(
    'CHECKOUT_WEBHOOK_RETENTION_DAYS',
    90,
    7,
    36_500,
    'days for which processed gateway webhooks are kept, to recognize repeated ones',
  ),
  notifyOnFailure: flag('CHECKOUT_NOTIFY_ON_FAILURE', false, 'notify the shop of failed checkouts'),
  notifyOnExpiration: flag('CHECKOUT_NOTIFY_ON_EXPIRATION', false, 'notify the shop of expired checkouts'),
  notificationEmail: text(
    'CHECKOUT_NOTIFICATION_EMAIL',
    null,
    'an email address',
    z.email(),
    'recipient of the shop’s notifications',
  ),
  rateLimitPerMinute: whole(
    'CHECKOUT_RATE_LIMIT_PER_MINUTE',
    5,
    0,
    1_000_000,
    'POST /checkout requests per minute, by user or else by client address; 0: no limit',
  ),
  baseUrl: text(
    'CHECKOUT_BASE_URL',
    null,
    'https://shop.example, without a path',
    z.url({ protocol: /^https?$/ }).refine(given => new URL(given).pathname === '/'),
    'public address of the shop, for links in emails and messages',
  ),
  shopName: text('CHECKOUT_SHOP_NAME', 'Holdfast', 'up to 70 characters', z.string().max(70), 'name of the shop'),
  locale: text(
    'CHECKOUT_LOCALE',
    'en',
    'a BCP 47 language tag, such as de-CH',
    z.string().refine(isLocale),
    'format of amounts and dates in emails and messages',
  ),
  timeZone: text(
    'CHECKOUT_TIME_ZONE',
    'UTC',
    'an IANA time zone, such as Europe/Zurich',
    z.string().refine(isTimeZone),
    'time zone of dates in emails and messages',
  ),
  smtpUrl: {
    ...text(
      'SMTP_URL',
      null,
      'smtp://user:password@host:port or smtps://…, special characters percent-encoded',
      z.string().refine(isSmtpUrl),
      'mail server; not set: no email is sent, and in development it is shown at /dev/mail',
    ),
    hidden: true,
  },
  mailFrom: text(
    'CHECKOUT_MAIL_FROM',
    null,
    'an email address; required if SMTP_URL is set',
    z.email(),
    'sender of emails',
  ),
  notifyCustomer: flag('CHECKOUT_NOTIFY_CUSTOMER', true, 'email order confirmations to customers'),
  slackWebhookUrl: {
    ...text(
      'SLACK_WEBHOOK_URL',
      null,
      'https://hooks.slack.com/services/…',
      z.url({ protocol: /^https?$/ }),
      'incoming webhook of the Slack channel for notifications (see CHECKOUT_NOTIFY_ON_FAILURE)',
    ),
    hidden: true,
  },
  webhookUrl: {
    ...text(
      'CHECKOUT_WEBHOOK_URL',
      null,
      'https://host/path without user and password',
      z.url({ protocol: /^https?$/ }).refine(given => new URL(given).username === '' && new URL(given).password === ''),
      'address that receives all events, signed as Standard Webhooks defines',
    ),
    // With many receivers, the path alone permits writing.
    hidden: true,
  },
  webhookSecret: {
    ...text(
      'CHECKOUT_WEBHOOK_SECRET',
      null,
      'whsec_ and 24 to 64 bytes in base64; two, separated by a comma, while rotating the secret; required if CHECKOUT_WEBHOOK_URL is set',
      z.string().refine(given => given.split(',').length <= 2 && given.split(',').every(isSigningSecret)),
      'signing secret of those events',
    ),
    hidden: true,
  },
  redisUrl: {
    ...text(
      'CHECKOUT_REDIS_URL',
      null,
      'redis://user:password@host:port/database or rediss://…',
      z.string().regex(/^rediss?:\/\/\S+$/),
      'Redis server that receives all events',
    ),
    hidden: true,
  },
  redisStream: text(
    'CHECKOUT_REDIS_STREAM',
    'holdfast:events',
    'up to 200 characters',
    z.string().max(200),
    'key of the Redis stream',
  ),
  metricsSecret: {
    ...text(
      'CHECKOUT_METRICS_SECRET',
      null,
      'at least 16 characters',
      z.string().min(16),
      'bearer token for /metrics; not set: open, in production disabled',
    ),
    hidden: true,
  },
}
