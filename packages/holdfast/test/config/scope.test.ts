/** `createCheckout` refuses every setting that only `createShop` honours, so none is silently ignored. */
import { describe, expect, test } from 'vitest'
import type { CheckoutConfig } from '../../src/config/checkout-config.ts'
import { ConfigError, defaultConfig } from '../../src/config/config.ts'
import { refuseShopSettings } from '../../src/config/scope.ts'
import { configVariables } from '../../src/config/variables.ts'
import { createCheckout } from '../../src/engine/create-checkout.ts'
import { createSandboxGateway } from '../../src/payments/sandbox/sandbox.ts'

type Property = keyof CheckoutConfig

const ofGateway: readonly Property[] = [
  'gateway',
  'invoiceDueDays',
  'invoiceIban',
  'invoiceAccountHolder',
  'stripeSecretKey',
  'stripeWebhookSecret',
  'stripePublishableKey',
  'stripeApiUrl',
]
const ofLog: readonly Property[] = ['logChannel', 'logLevel']
const ofNotifications: readonly Property[] = [
  'notifyOnFailure',
  'notifyOnExpiration',
  'notificationEmail',
  'smtpUrl',
  'mailFrom',
  'notifyCustomer',
  'slackWebhookUrl',
]
const ofSinks: readonly Property[] = ['webhookUrl', 'webhookSecret', 'redisUrl', 'redisStream']

const ofEngine: readonly Property[] = [
  'databaseUrl',
  'secret',
  'currency',
  'ttlMinutes',
  'maxTtlMinutes',
  'cleanupIntervalMinutes',
  'priceDriftToleranceMinor',
  'preventConcurrent',
  'holdOn',
  'loggingEnabled',
  'logAllPhases',
  'logFailures',
  'logRollbacks',
  'capture',
  'leaseSeconds',
  'paymentAuthTimeoutSeconds',
  'paymentCaptureTimeoutSeconds',
  'reconcileIntervalMinutes',
  'webhookRetentionDays',
]
const ofHttp: readonly Property[] = [
  'adminSecret',
  'trustedProxyHeader',
  'cartProtection',
  'rateLimitPerMinute',
  'baseUrl',
  'shopName',
  'locale',
  'timeZone',
  'metricsSecret',
]
/** A host has these in its environment for its own use. */
const ofProcess: readonly Property[] = ['environment', 'port', 'host', 'workerPort']
const refused = [...ofGateway, ...ofLog, ...ofNotifications, ...ofSinks, ...ofHttp]
const accepted = [...ofEngine, ...ofProcess]

/** A configuration that differs from the default in one setting. */
function changed(property: Property): Partial<CheckoutConfig> {
  const value = defaultConfig[property]
  const other = typeof value === 'boolean' ? !value : typeof value === 'number' ? value + 1 : `${value ?? ''}x`
  return { [property]: other }
}

const nothing = { gateways: false, log: false }

function refusalOf(config: Partial<CheckoutConfig>, replaced = nothing): ConfigError | null {
  try {
    refuseShopSettings(config, replaced)
    return null
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

describe('the scope of settings', () => {
  test('is decided for every variable', () => {
    expect([...refused, ...accepted].sort()).toEqual(Object.keys(configVariables).sort())
  })

  test.each(refused)('createCheckout refuses %s if it differs from its default, and names it', property => {
    const error = refusalOf(changed(property))
    expect(error?.message).toContain(configVariables[property].variable)
    expect(error?.message).toContain(`config.${property}`)
    expect(error?.message).toContain('createShop')
    expect(refusalOf({ [property]: defaultConfig[property] })).toBeNull()
    expect(refusalOf({ [property]: undefined })).toBeNull()
  })

  test.each(accepted)('createCheckout accepts %s', property => {
    expect(refusalOf(changed(property))).toBeNull()
  })

  test('the option gateways replaces the settings of gateways, and no others', () => {
    for (const property of refused) {
      const isRefused = refusalOf(changed(property), { gateways: true, log: false }) !== null
      expect([property, isRefused]).toEqual([property, !ofGateway.includes(property)])
    }
  })

  test('the option log replaces the settings of the log, and no others', () => {
    for (const property of refused) {
      const isRefused = refusalOf(changed(property), { gateways: false, log: true }) !== null
      expect([property, isRefused]).toEqual([property, !ofLog.includes(property)])
    }
  })

  test('a refusal names every setting at once and repeats no secret', () => {
    const error = refusalOf({ smtpUrl: 'smtp://me:canary@localhost', stripeSecretKey: 'sk_live_canary', ttlMinutes: 5 })
    expect(error?.mistakes.map(({ variable }) => variable)).toEqual([
      'SMTP_URL (config.smtpUrl)',
      'STRIPE_SECRET_KEY (config.stripeSecretKey)',
    ])
    expect(error?.message).not.toContain('canary')
  })

  test('createCheckout refuses before it opens the database', async () => {
    const database = 'postgres://localhost:1/none'
    await expect(createCheckout({ database, config: { gateway: 'stripe' } })).rejects.toThrow(ConfigError)
    const gateways = { card: createSandboxGateway({ database: {} as never }) }
    await expect(createCheckout({ database, gateways, config: { gateway: 'stripe' } })).rejects.toMatchObject({
      code: 'connection_lost',
    })
  })
})
