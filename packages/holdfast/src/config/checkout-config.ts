/** The configuration of a shop as one object. `variables.ts` says which environment variable sets which property. */

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
