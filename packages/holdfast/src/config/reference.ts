/** The reference of all settings, grouped by subject, for `holdfast config` and `docs/operating.md`. */

import type { CheckoutConfig } from './checkout-config.ts'
import { defaultConfig } from './config.ts'
import { configVariables } from './variables.ts'

/** One setting, as text for people. */
export interface ConfigSetting {
  property: keyof CheckoutConfig
  variable: string
  meaning: string
  accepted: string
  /** As text; null: not set. */
  default: string | null
  /** The value is never shown. */
  hidden: boolean
}

export interface ConfigGroup {
  title: string
  settings: ConfigSetting[]
}

/** Every property is in exactly one group. */
const groups: readonly [title: string, properties: readonly (keyof CheckoutConfig)[]][] = [
  [
    'Server and secrets',
    [
      'databaseUrl',
      'port',
      'host',
      'workerPort',
      'environment',
      'baseUrl',
      'trustedProxyHeader',
      'secret',
      'adminSecret',
    ],
  ],
  ['Shop', ['shopName', 'currency', 'locale', 'timeZone', 'rateLimitPerMinute']],
  [
    'Checkouts',
    [
      ...(['ttlMinutes', 'maxTtlMinutes', 'cleanupIntervalMinutes', 'leaseSeconds', 'holdOn', 'capture'] as const),
      ...(['preventConcurrent', 'cartProtection', 'priceDriftToleranceMinor'] as const),
    ],
  ],
  [
    'Payments',
    [
      ...([
        'gateway',
        'paymentAuthTimeoutSeconds',
        'paymentCaptureTimeoutSeconds',
        'reconcileIntervalMinutes',
        'webhookRetentionDays',
      ] as const),
      ...(['stripeSecretKey', 'stripeWebhookSecret', 'stripePublishableKey', 'stripeApiUrl'] as const),
      ...(['invoiceDueDays', 'invoiceIban', 'invoiceAccountHolder'] as const),
    ],
  ],
  ['Logs', ['loggingEnabled', 'logChannel', 'logLevel', 'logAllPhases', 'logFailures', 'logRollbacks']],
  [
    'Notifications',
    [
      ...(['notifyCustomer', 'notificationEmail', 'notifyOnFailure', 'notifyOnExpiration'] as const),
      ...(['smtpUrl', 'mailFrom', 'slackWebhookUrl'] as const),
    ],
  ],
  ['Other systems', ['webhookUrl', 'webhookSecret', 'redisUrl', 'redisStream', 'metricsSecret']],
]

export const configReference: readonly ConfigGroup[] = groups.map(([title, properties]) => ({
  title,
  settings: properties.map(property => {
    const { variable, meaning, accepted, hidden } = configVariables[property]
    const fallback = defaultConfig[property]
    return {
      ...{ property, variable, meaning, accepted },
      default: fallback === null ? null : String(fallback),
      hidden: hidden ?? false,
    }
  }),
}))

/** The reference in Markdown, as in `docs/operating.md`. */
export function configMarkdown(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  return configReference
    .map(({ title, settings }) => {
      const rows = settings.map(
        setting =>
          `| \`${setting.variable}\` | ${setting.default === null ? '–' : `\`${setting.default}\``} | ${cell(setting.accepted)} | ${cell(setting.meaning)} |`,
      )
      return [`### ${title}`, '', '| variable | default | accepted | meaning |', '|---|---|---|---|', ...rows, ''].join(
        '\n',
      )
    })
    .join('\n')
}
