/**
 * The part of the composition that honours each setting. `createCheckout` refuses the settings that only `createShop` can
 * honour, so no configured gateway, log, mail server, or webhook is silently ignored.
 */

import type { CheckoutConfig } from './checkout-config.ts'
import { ConfigError, defaultConfig } from './config.ts'
import { configVariables } from './variables.ts'

/**
 * `engine`: by `createCheckout`, and so by `createShop`. `shop`: by `createShop` only, for notifications, sinks, log,
 * gateways, carts, and the HTTP handler. `process`: settings of the host's process, which has them in its environment for
 * its own use; `holdfast serve` and `holdfast work` honour them.
 */
type Scope = 'engine' | 'shop' | 'process'

const scopes: Readonly<Record<keyof CheckoutConfig, Scope>> = {
  databaseUrl: 'engine',
  port: 'process',
  host: 'process',
  workerPort: 'process',
  environment: 'process',
  secret: 'engine',
  adminSecret: 'shop',
  currency: 'engine',
  trustedProxyHeader: 'shop',
  ttlMinutes: 'engine',
  maxTtlMinutes: 'engine',
  cleanupIntervalMinutes: 'engine',
  priceDriftToleranceMinor: 'engine',
  preventConcurrent: 'engine',
  cartProtection: 'shop',
  holdOn: 'engine',
  loggingEnabled: 'engine',
  logChannel: 'shop',
  logLevel: 'shop',
  logAllPhases: 'engine',
  logFailures: 'engine',
  logRollbacks: 'engine',
  capture: 'engine',
  gateway: 'shop',
  invoiceDueDays: 'shop',
  invoiceIban: 'shop',
  invoiceAccountHolder: 'shop',
  stripeSecretKey: 'shop',
  stripeWebhookSecret: 'shop',
  stripePublishableKey: 'shop',
  stripeApiUrl: 'shop',
  leaseSeconds: 'engine',
  paymentAuthTimeoutSeconds: 'engine',
  paymentCaptureTimeoutSeconds: 'engine',
  reconcileIntervalMinutes: 'engine',
  webhookRetentionDays: 'engine',
  notifyOnFailure: 'shop',
  notifyOnExpiration: 'shop',
  notificationEmail: 'shop',
  rateLimitPerMinute: 'shop',
  baseUrl: 'shop',
  shopName: 'shop',
  locale: 'shop',
  timeZone: 'shop',
  smtpUrl: 'shop',
  mailFrom: 'shop',
  notifyCustomer: 'shop',
  slackWebhookUrl: 'shop',
  webhookUrl: 'shop',
  webhookSecret: 'shop',
  redisUrl: 'shop',
  redisStream: 'shop',
  metricsSecret: 'shop',
}

/** Settings that an option of `createCheckout` replaces. */
interface Replaced {
  /** `gateways` was given. */
  gateways: boolean
  /** `log` was given. */
  log: boolean
}

const gatewaySettings: readonly (keyof CheckoutConfig)[] = [
  'gateway',
  'invoiceDueDays',
  'invoiceIban',
  'invoiceAccountHolder',
  'stripeSecretKey',
  'stripeWebhookSecret',
  'stripePublishableKey',
  'stripeApiUrl',
]
const logSettings: readonly (keyof CheckoutConfig)[] = ['logChannel', 'logLevel']

function isReplaced(property: keyof CheckoutConfig, replaced: Replaced): boolean {
  if (gatewaySettings.includes(property)) return replaced.gateways
  return logSettings.includes(property) && replaced.log
}

/** @throws {ConfigError} if `config` changes a setting from its default that `createCheckout` alone does not honour. */
export function refuseShopSettings(config: Partial<CheckoutConfig>, replaced: Replaced): void {
  const mistakes = (Object.keys(config) as (keyof CheckoutConfig)[])
    .filter(property => scopes[property] === 'shop' && !isReplaced(property, replaced))
    .filter(property => config[property] !== undefined && config[property] !== defaultConfig[property])
    .map(property => ({
      variable: `${configVariables[property].variable} (config.${property})`,
      given: 'set, but createCheckout does not honour it',
      accepted:
        'only in createShop of holdfast/shop; for createCheckout, leave it out of config and pass the part itself',
    }))
  if (mistakes.length > 0) throw new ConfigError(mistakes)
}
