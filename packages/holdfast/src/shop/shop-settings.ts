/** The configuration and log of a shop, with defaults for everything that its options omit. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { defaultConfig } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import { defaultDirectory } from '../database/open.ts'
import type { HttpLog } from '../http/context.ts'
import type { CheckoutLog } from '../observe/log/log.ts'
import { openLog } from '../observe/log/open-log.ts'

interface Settings {
  config: CheckoutConfig & { secret: string }
  log: CheckoutLog
}

interface SettingsOptions {
  database?: Database | string | undefined
  config?: Partial<CheckoutConfig>
  currency?: string
  name?: string
  locale?: string
  log?: CheckoutLog
}

/** Without a secret, one is generated for this process, with a warning. */
export function shopSettings(options: SettingsOptions): Settings {
  const { database, config: given, currency, name, locale, log: givenLog } = options
  const config = {
    ...defaultConfig,
    ...given,
    ...(typeof database === 'string' ? { databaseUrl: database } : {}),
    ...(currency === undefined ? {} : { currency }),
    ...(name === undefined ? {} : { shopName: name }),
    ...(locale === undefined ? {} : { locale }),
  }
  const log = givenLog ?? logOf(config)
  if (config.secret !== null) return { config: { ...config, secret: config.secret }, log }
  log.warn('[Checkout] no secret is set: sessions end with this process; set CHECKOUT_SECRET')
  return { config: { ...config, secret: randomBytes(32).toString('hex') }, log }
}

const logOf = (config: CheckoutConfig): CheckoutLog =>
  openLog({
    enabled: config.loggingEnabled,
    level: config.logLevel,
    channel: config.logChannel,
    directory: join(defaultDirectory, 'logs'),
  })

/** Writes the lines of the HTTP handler to the log of the shop. */
export const httpLogTo =
  (log: CheckoutLog): HttpLog =>
  (level, message, { error, ...details }) =>
    log[level]?.(`[HTTP] ${message}`, error === undefined ? details : { ...details, err: error })
