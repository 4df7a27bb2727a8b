/** The type of the configuration. `variables.ts` has the environment variable, the default, and the limits of each property. */

/** The settings of a shop. `docs/operating.md` has the defaults. */
export interface CheckoutConfig {
  /** `postgres://…`. Null: the embedded database in `.holdfast/`. */
  databaseUrl: string | null
  /** Port to listen on. 0: any free port. */
  port: number
  /** Address to listen on. */
  host: string
  /** Port on which `holdfast work` serves `/metrics` and `/health`. Null: none. */
  workerPort: number | null
  environment: 'development' | 'test' | 'production'
  /** Signs sessions and encrypts payment tokens; at least 32 characters. Null only outside production. */
  secret: string | null
  /** Bearer token for `/admin`; at least 16 characters. Null: `/admin` is disabled. */
  adminSecret: string | null
  /** Currency of new carts and imported prices, ISO 4217. */
  currency: string
  /** Request header in which a trusted proxy sends the client address, lower case. Null: no proxy is trusted. */
  trustedProxyHeader: string | null
  /** Default time to live of a lock, minutes. */
  ttlMinutes: number
  /** Longest time to live that a caller may request, minutes. */
  maxTtlMinutes: number
  /** Interval for deleting old webhooks, minutes. Each lock expires on time by itself. */
  cleanupIntervalMinutes: number
  /** A price that changes by more than this after the price lock is reported as drift. Minor units. */
  priceDriftToleranceMinor: number
  /** Refuse a second session while a cart is locked. */
  preventConcurrent: boolean
  /** Make a cart read-only while it is locked. */
  cartProtection: boolean
  /** When stock is held: when payment begins (`process`), or when the checkout starts (`start`). */
  holdOn: 'process' | 'start'
  loggingEnabled: boolean
  /** `stderr`, or `checkout`: daily files `.holdfast/logs/checkout-YYYY-MM-DD.log`; the last 14 are kept. */
  logChannel: 'stderr' | 'checkout'
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** Log every completed phase. */
  logAllPhases: boolean
  logFailures: boolean
  logRollbacks: boolean
  /** When payments are captured: with the order (`at_once`), or by `captureCheckout` (`later`). */
  capture: 'at_once' | 'later'
  /** Payment gateway. Read from the environment, it is `stripe` if a Stripe key is set. */
  gateway: 'sandbox' | 'stripe' | 'invoice'
  /** Days until an unpaid invoice expires. */
  invoiceDueDays: number
  /** Account to which invoices are paid. */
  invoiceIban: string | null
  invoiceAccountHolder: string | null
  /** `sk_…` or `rk_…`. */
  stripeSecretKey: string | null
  /** `whsec_…`, signing secret of Stripe's webhooks; two, separated by a comma, while rotating it. */
  stripeWebhookSecret: string | null
  /** `pk_…`, for Stripe's Payment Element in the browser. */
  stripePublishableKey: string | null
  /** API address of a Stripe simulator. Null: Stripe. Refused in production. */
  stripeApiUrl: string | null
  /** Time after which another process takes over a checkout of a dead process, seconds. */
  leaseSeconds: number
  /** Time after which an authorization without a final answer is ended by a fencing void, seconds. */
  paymentAuthTimeoutSeconds: number
  /** Time after which a capture of unknown outcome raises an alert, seconds. A capture is never abandoned. */
  paymentCaptureTimeoutSeconds: number
  /** Interval for comparing payments with the gateway's records, minutes. 0: never automatically. */
  reconcileIntervalMinutes: number
  /** Days for which processed webhooks are kept, to recognize repeated ones. */
  webhookRetentionDays: number
  notifyOnFailure: boolean
  notifyOnExpiration: boolean
  notificationEmail: string | null
  /** `POST /checkout` requests per minute, by user or else by client address. 0: no limit. */
  rateLimitPerMinute: number
  /** Public address of the shop ("https://shop.example"). Null: the address of the request, and no links in messages. */
  baseUrl: string | null
  shopName: string
  /** BCP 47; format of amounts and dates in emails and messages. */
  locale: string
  /** IANA; time zone of dates in emails and messages. */
  timeZone: string
  /** `smtp://…` or `smtps://…`, with user and password. */
  smtpUrl: string | null
  mailFrom: string | null
  /** Mail order confirmations to customers. */
  notifyCustomer: boolean
  slackWebhookUrl: string | null
  /** Address that receives all events, signed. */
  webhookUrl: string | null
  /** `whsec_…`; two, separated by a comma, while rotating it: both sign. */
  webhookSecret: string | null
  /** `redis://…` or `rediss://…`. */
  redisUrl: string | null
  redisStream: string
  /** Bearer token for `/metrics`; at least 16 characters. Null: open, in production disabled. */
  metricsSecret: string | null
}
