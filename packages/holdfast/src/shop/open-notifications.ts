/**
 * Opens the configured listeners: mail, Slack, and sinks to other systems. Every process that runs checkouts registers
 * the same ones, including commands, because deliveries are written only for listeners that the process knows.
 */
import { join } from 'node:path'
import { settlesWithin } from '../concurrency/timeout.ts'
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { defaultDirectory } from '../database/open.ts'
import type { CheckoutAlert } from '../domain/alert.ts'
import type { CheckoutEngine } from '../engine/checkout-engine.ts'
import { joinListeners, type ListenerMap } from '../events/listeners.ts'
import type { DevelopmentOutbox } from '../notify/mail/development-outbox.ts'
import type { CheckoutLog } from '../observe/log/log.ts'
import { loadPeer } from '../optional-peer.ts'
import { openAlerts } from './open-alerts.ts'
import { openMail } from './open-mail.ts'
import { openSinks } from './open-sinks.ts'

/** Longest wait for batched messages when a shop closes. */
const flushMaxMs = 3_000

export interface Notifications {
  listeners: ListenerMap
  /** Sends an alert that needs a person. */
  onAlert(alert: CheckoutAlert): void
  /** The emails that were kept instead of sent. Null if emails are sent, or none are written. */
  keptMails: DevelopmentOutbox | null
  /** Also sends alerts about critical health checks of the engine. */
  watch(engine: Pick<CheckoutEngine, 'health'>): void
  /** Sends batched messages, within seconds. Call it when the engine starts to close. */
  flush(): Promise<void>
  /** Call it after the engine has closed. */
  close(): Promise<void>
}

const slackParts = () => loadPeer('@slack/webhook', () => import('../notify/slack/slack.ts'))

/**
 * @param mailDirectory the folder for emails that are kept during development; null: emails are not kept.
 * @throws {MissingPeerError} if a configured channel needs a package that is not installed.
 */
export async function openNotifications(
  config: CheckoutConfig,
  log: CheckoutLog,
  mailDirectory: string | null = join(defaultDirectory, 'mail'),
): Promise<Notifications> {
  const sinks = await openSinks(config)
  const mail = await openMail(config, mailDirectory)
  const { slackWebhookUrl: webhookUrl } = config
  const slack = webhookUrl === null ? null : (await slackParts()).createSlackListeners({ ...config, webhookUrl })
  const alerts = openAlerts({ mail: mail.alert, slack: slack?.alert ?? null }, log)
  return {
    listeners: joinListeners(mail.listeners, slack?.listeners ?? {}, sinks.listeners),
    onAlert: alerts.raise,
    watch: alerts.watch,
    keptMails: mail.kept,
    async flush() {
      await settlesWithin(Promise.all([mail.flush(), slack?.flush()]), flushMaxMs)
    },
    async close() {
      await alerts.close()
      await Promise.all([mail.close(), sinks.close()])
    },
  }
}
