/**
 * The part of the composition that honours each setting. `createCheckout` refuses the settings that only `createShop` can
 * honour, so no configured gateway, log, mail server, or webhook is silently ignored.
 */

import type { CheckoutConfig } from './checkout-config.ts'
import { ConfigError, defaultConfig } from './config.ts'
import { configVariables } from './variables.ts'

/**
 * `engine`: by `createCheckout`, and so by `createShop`. `shop`: by `createShop` only. `http`: by the HTTP handler.
 * `process`: by a process that listens on a port, such as `holdfast serve`.
 */
type Scope = 'engine' | 'shop' | 'http' | 'process'

const scopes: Readonly<Record<keyof CheckoutConfig, Scope>> = {
  databaseUrl: 'engine',
  port: 'process',
  host: 'process',
  workerPort: 'process',
  environment: 'http',
  secret: 'engine',
  adminSecret: 'http',
  currency: 'engine',
  trustedProxyHeader: 'http',
  ttlMinutes: 'engine',
  maxTtlMinutes: 'engine',
  cleanupIntervalMinutes: 'engine',
  priceDriftToleranceMinor: 'engine',
  preventConcurrent: 'engine',
  cartProtection: 'http',
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
  rateLimitPerMinute: 'http',
  baseUrl: 'http',
  shopName: 'http',
  locale: 'http',
  timeZone: 'http',
  smtpUrl: 'shop',
  mailFrom: 'shop',
  notifyCustomer: 'shop',
  slackWebhookUrl: 'shop',
  webhookUrl: 'shop',
  webhookSecret: 'shop',
  redisUrl: 'shop',
  redisStream: 'shop',
  metricsSecret: 'http',
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
        'only in createShop of holdfast/shop; for createCheckout, pass the gateway, log, or listeners as options',
    }))
  if (mistakes.length > 0) throw new ConfigError(mistakes)
}
