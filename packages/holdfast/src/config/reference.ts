/** The reference of all settings, in the order in which people look for them: for `holdfast config` and the manual. */

import type { CheckoutConfig } from './checkout-config.ts'
import { defaultConfig } from './config.ts'
import { configVariables } from './variables.ts'

export interface ConfigSetting {
  property: keyof CheckoutConfig
  variable: string
  meaning: string
  accepted: string
  /** As one would write it; null: not set. */
  default: string | null
  /** Its value is never shown. */
  hidden: boolean
}

export interface ConfigGroup {
  title: string
  settings: ConfigSetting[]
}

/** Each property stands in one group. */
const groups: readonly [title: string, properties: readonly (keyof CheckoutConfig)[]][] = [
  [
    'Where it runs',
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
  ['The shop', ['shopName', 'currency', 'locale', 'timeZone', 'rateLimitPerMinute']],
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
    'Who is told',
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

/** The reference in Markdown, as it stands in `docs/operating.md`. */
export function configMarkdown(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  return configReference
    .map(({ title, settings }) => {
      const rows = settings.map(
        setting =>
          `| \`${setting.variable}\` | ${setting.default === null ? '–' : `\`${setting.default}\``} | ${cell(setting.accepted)} | ${cell(setting.meaning)} |`,
      )
      return [
        `### ${title}`,
        '',
        '| variable | default | takes | what it does |',
        '|---|---|---|---|',
        ...rows,
        '',
      ].join('\n')
    })
    .join('\n')
}
