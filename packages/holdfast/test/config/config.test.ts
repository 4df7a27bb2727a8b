/** The configuration: every variable is read, every mistake is reported at once, and no message repeats a secret. */
import { describe, expect, it } from 'vitest'
import { ConfigError, configFromEnvironment, defaultConfig } from '../../src/config/config.ts'
import { configVariables } from '../../src/config/variables.ts'

function mistakesOf(environment: Record<string, string>): ConfigError {
  try {
    configFromEnvironment(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}

describe('the configuration', () => {
  it('without any variable has the documented defaults', () => {
    expect(configFromEnvironment({})).toEqual(defaultConfig)
    expect(defaultConfig).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      ttlMinutes: 15,
      maxTtlMinutes: 60,
      cleanupIntervalMinutes: 5,
      priceDriftToleranceMinor: 1,
      paymentAuthTimeoutSeconds: 300,
      paymentCaptureTimeoutSeconds: 3_600,
      rateLimitPerMinute: 5,
      currency: 'USD',
      holdOn: 'process',
    })
  })

  it('reads every variable', () => {
    const given: Record<string, string> = {
      DATABASE_URL: 'postgres://me:secret@localhost:5432/shop',
      PORT: '0',
      HOST: '::1',
      CHECKOUT_WORKER_PORT: '9464',
      NODE_ENV: 'production',
      CHECKOUT_SECRET: 's'.repeat(32),
      CHECKOUT_ADMIN_SECRET: 'a'.repeat(16),
      CHECKOUT_CURRENCY: 'eur',
      CHECKOUT_TRUSTED_PROXY_HEADER: 'X-Forwarded-For',
      CHECKOUT_TTL_MINUTES: '20',
      CHECKOUT_MAX_TTL_MINUTES: '30',
      CHECKOUT_CLEANUP_INTERVAL: '1',
      CHECKOUT_PRICE_DRIFT_TOLERANCE: '0',
      CHECKOUT_PREVENT_CONCURRENT: 'no',
      CHECKOUT_ENABLE_CART_PROTECTION: 'FALSE',
      CHECKOUT_HOLD_ON: 'start',
      CHECKOUT_LOGGING_ENABLED: '0',
      CHECKOUT_LOG_CHANNEL: 'checkout',
      LOG_LEVEL: 'debug',
      CHECKOUT_LOG_ALL_PHASES: 'yes',
      CHECKOUT_LOG_FAILURES: 'off',
      CHECKOUT_LOG_ROLLBACKS: 'off',
      CHECKOUT_CAPTURE: 'later',
      CHECKOUT_PAYMENT_GATEWAY: 'sandbox',
      CHECKOUT_INVOICE_DUE_DAYS: '30',
      CHECKOUT_INVOICE_IBAN: 'DE89 3704 0044 0532 0130 00',
      CHECKOUT_INVOICE_ACCOUNT_HOLDER: 'Reeperei GmbH',
      STRIPE_SECRET_KEY: 'sk_test_4eC39HqLyjWDarjtT1zdp7dc',
      STRIPE_WEBHOOK_SECRET: 'whsec_0123456789abcdef, whsec_fedcba9876543210',
      STRIPE_PUBLISHABLE_KEY: 'pk_test_TYooMQauvdEDq54NiTphI7jx',
      STRIPE_API_URL: 'http://127.0.0.1:12111',
      CHECKOUT_LEASE_SECONDS: '20',
      CHECKOUT_PAYMENT_AUTH_TIMEOUT: '60',
      CHECKOUT_PAYMENT_CAPTURE_TIMEOUT: '120',
      CHECKOUT_RECONCILE_INTERVAL_MINUTES: '30',
      CHECKOUT_WEBHOOK_RETENTION_DAYS: '30',
      CHECKOUT_NOTIFY_ON_FAILURE: 'on',
      CHECKOUT_NOTIFY_ON_EXPIRATION: '1',
      CHECKOUT_NOTIFICATION_EMAIL: 'shop@example.com',
      CHECKOUT_RATE_LIMIT_PER_MINUTE: '0',
      CHECKOUT_BASE_URL: 'https://shop.example',
      CHECKOUT_SHOP_NAME: 'Reeperei',
      CHECKOUT_LOCALE: 'de-CH',
      CHECKOUT_TIME_ZONE: 'Europe/Zurich',
      SMTP_URL: 'smtp://me:secret@localhost:2525',
      CHECKOUT_MAIL_FROM: 'orders@shop.example',
      CHECKOUT_NOTIFY_CUSTOMER: 'off',
      SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T0/B0/x',
      CHECKOUT_WEBHOOK_URL: 'https://erp.example/events',
      CHECKOUT_WEBHOOK_SECRET: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
      CHECKOUT_REDIS_URL: 'redis://me:secret@localhost:6379/1',
      CHECKOUT_REDIS_STREAM: 'shop:events',
      CHECKOUT_METRICS_SECRET: 'm'.repeat(16),
    }
    expect(
      Object.values(configVariables)
        .map(one => one.variable)
        .sort(),
    ).toEqual(Object.keys(given).sort())
    expect(configFromEnvironment(given)).toEqual({
      databaseUrl: 'postgres://me:secret@localhost:5432/shop',
      port: 0,
      host: '::1',
      workerPort: 9464,
      environment: 'production',
      secret: 's'.repeat(32),
      adminSecret: 'a'.repeat(16),
      currency: 'EUR',
      trustedProxyHeader: 'x-forwarded-for',
      ttlMinutes: 20,
      maxTtlMinutes: 30,
      cleanupIntervalMinutes: 1,
      priceDriftToleranceMinor: 0,
      preventConcurrent: false,
      cartProtection: false,
      holdOn: 'start',
      loggingEnabled: false,
      logChannel: 'checkout',
      logLevel: 'debug',
      logAllPhases: true,
      logFailures: false,
      logRollbacks: false,
      capture: 'later',
      gateway: 'sandbox',
      invoiceDueDays: 30,
      invoiceIban: 'DE89 3704 0044 0532 0130 00',
      invoiceAccountHolder: 'Reeperei GmbH',
      stripeSecretKey: 'sk_test_4eC39HqLyjWDarjtT1zdp7dc',
      stripeWebhookSecret: 'whsec_0123456789abcdef, whsec_fedcba9876543210',
      stripePublishableKey: 'pk_test_TYooMQauvdEDq54NiTphI7jx',
      stripeApiUrl: 'http://127.0.0.1:12111',
      leaseSeconds: 20,
      paymentAuthTimeoutSeconds: 60,
      paymentCaptureTimeoutSeconds: 120,
      reconcileIntervalMinutes: 30,
      webhookRetentionDays: 30,
      notifyOnFailure: true,
      notifyOnExpiration: true,
      notificationEmail: 'shop@example.com',
      rateLimitPerMinute: 0,
      baseUrl: 'https://shop.example',
      shopName: 'Reeperei',
      locale: 'de-CH',
      timeZone: 'Europe/Zurich',
      smtpUrl: 'smtp://me:secret@localhost:2525',
      mailFrom: 'orders@shop.example',
      notifyCustomer: false,
      slackWebhookUrl: 'https://hooks.slack.com/services/T0/B0/x',
      webhookUrl: 'https://erp.example/events',
      webhookSecret: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
      redisUrl: 'redis://me:secret@localhost:6379/1',
      redisStream: 'shop:events',
      metricsSecret: 'm'.repeat(16),
    })
  })

  describe('for Stripe', () => {
    const keys = {
      STRIPE_SECRET_KEY: 'sk_test_4eC39HqLyjWDarjtT1zdp7dc',
      STRIPE_WEBHOOK_SECRET: 'whsec_0123456789abcdef',
    }

    it('needs only the two keys, and an explicit gateway wins over them', () => {
      expect(configFromEnvironment(keys)).toMatchObject({ gateway: 'stripe' })
      expect(configFromEnvironment({ ...keys, CHECKOUT_PAYMENT_GATEWAY: 'sandbox' }).gateway).toBe('sandbox')
    })

    it.each([
      [{ STRIPE_SECRET_KEY: keys.STRIPE_SECRET_KEY }, ['STRIPE_WEBHOOK_SECRET']],
      [{ CHECKOUT_PAYMENT_GATEWAY: 'stripe' }, ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET']],
      [{ ...keys, STRIPE_SECRET_KEY: 'pk_test_4eC39HqLyjWDarjtT1zdp7dc' }, ['STRIPE_SECRET_KEY']],
      [{ ...keys, STRIPE_WEBHOOK_SECRET: 'whsec' }, ['STRIPE_WEBHOOK_SECRET']],
      [{ ...keys, STRIPE_PUBLISHABLE_KEY: 'pk_live_TYooMQauvdEDq54NiTphI7jx' }, ['STRIPE_PUBLISHABLE_KEY']],
      [
        { ...keys, STRIPE_API_URL: 'http://127.0.0.1:1', NODE_ENV: 'production', CHECKOUT_SECRET: 's'.repeat(32) },
        ['STRIPE_API_URL'],
      ],
    ])('an error names the missing or malformed variable and shows no key: %o', (environment, variables) => {
      const error = mistakesOf(environment)
      expect(error.mistakes.map(({ variable }) => variable)).toEqual(variables)
      for (const key of ['4eC39HqLyjWDarjtT1zdp7dc', '0123456789abcdef']) expect(error.message).not.toContain(key)
    })
  })

  it.each([
    [{ SMTP_URL: 'smtp://localhost' }, 'CHECKOUT_MAIL_FROM'],
    [{ CHECKOUT_WEBHOOK_URL: 'https://erp.example' }, 'CHECKOUT_WEBHOOK_SECRET'],
    [{ SMTP_URL: 'smtp://', CHECKOUT_MAIL_FROM: 'shop@example.com' }, 'SMTP_URL'],
    [{ CHECKOUT_WEBHOOK_SECRET: 'whsec_c2hvcnQ=' }, 'CHECKOUT_WEBHOOK_SECRET'],
    [{ CHECKOUT_BASE_URL: 'https://shop.example/path' }, 'CHECKOUT_BASE_URL'],
    [{ CHECKOUT_LOCALE: 'not a locale' }, 'CHECKOUT_LOCALE'],
    [{ CHECKOUT_TIME_ZONE: 'Mars/Olympus' }, 'CHECKOUT_TIME_ZONE'],
  ])('reports a missing requirement and an invalid value: %o', (environment, variable) => {
    expect(mistakesOf(environment).mistakes.map(mistake => mistake.variable)).toEqual([variable])
  })

  it('treats an empty or blank variable as not set', () => {
    expect(configFromEnvironment({ PORT: '', CHECKOUT_SECRET: '  ', DATABASE_URL: '' })).toEqual(defaultConfig)
  })

  it('reports every mistake at once, with the value and the accepted values', () => {
    const error = mistakesOf({
      PORT: '70000',
      CHECKOUT_TTL_MINUTES: '1.5',
      CHECKOUT_HOLD_ON: 'never',
      CHECKOUT_LOG_FAILURES: 'maybe',
    })
    expect(error.mistakes).toEqual([
      { variable: 'PORT', given: '"70000"', accepted: 'a whole number from 0 to 65535' },
      { variable: 'CHECKOUT_TTL_MINUTES', given: '"1.5"', accepted: 'a whole number from 1 to 1440' },
      { variable: 'CHECKOUT_HOLD_ON', given: '"never"', accepted: 'process or start' },
      { variable: 'CHECKOUT_LOG_FAILURES', given: '"maybe"', accepted: 'true or false' },
    ])
    expect(error.message).toContain('4 mistakes')
    expect(error.message).toContain('PORT is "70000"; accepted: a whole number from 0 to 65535')
  })

  it.each(['pa#ss', '12#ss', '12/ss', '12?ss', 'pa/ss'])(
    'refuses SMTP_URL with an unencoded password (%s), and prints none of it',
    password => {
      const error = mistakesOf({
        SMTP_URL: `smtp://user:${password}@mail.example:587`,
        CHECKOUT_MAIL_FROM: 'shop@example.com',
      })
      expect(error.mistakes.map(({ variable }) => variable)).toEqual(['SMTP_URL'])
      expect(error.message).not.toContain(password)
      const SMTP_URL = `smtp://user:${encodeURIComponent(password)}@mail.example:587`
      expect(configFromEnvironment({ SMTP_URL, CHECKOUT_MAIL_FROM: 'shop@example.com' }).smtpUrl).toBe(SMTP_URL)
    },
  )

  it('an error never prints a secret', () => {
    const error = mistakesOf({
      CHECKOUT_SECRET: 'hunter2',
      CHECKOUT_ADMIN_SECRET: 'pass',
      DATABASE_URL: 'mysql://me:hunter2@db',
      STRIPE_PUBLISHABLE_KEY: 'sk_live_hunter2hunter2',
    })
    expect(error.mistakes).toHaveLength(4)
    expect(error.message).not.toMatch(/hunter2|pass\b/)
    expect(error.message).toContain('not shown (7 characters)')
  })

  it('refuses production without CHECKOUT_SECRET', () => {
    expect(mistakesOf({ NODE_ENV: 'production' }).message).toContain('CHECKOUT_SECRET is not set')
  })

  it('refuses a time to live above CHECKOUT_MAX_TTL_MINUTES', () => {
    expect(mistakesOf({ CHECKOUT_TTL_MINUTES: '90' }).message).toContain(
      'at most CHECKOUT_MAX_TTL_MINUTES, which is 60',
    )
  })
})
