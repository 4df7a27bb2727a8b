/**
 * Who hears of events by configuration alone: mail, Slack, and the sinks to other systems. Every process that runs
 * checkouts registers the same ones (a command that ends a checkout, too), for deliveries are written for who is known.
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

const flushMaxMs = 3_000

export interface Notifications {
  listeners: ListenerMap
  /** Tells people what no machine decides. */
  onAlert(alert: CheckoutAlert): void
  /** Mails that were kept instead of being sent, where they are. */
  keptMails: DevelopmentOutbox | null
  /** Tells people also of what is critical about the health of the engine. */
  watch(engine: Pick<CheckoutEngine, 'health'>): void
  /** Sends what has gathered to be told together, within seconds. Called as the engine begins to end. */
  flush(): Promise<void>
  /** Called once the engine has ended. */
  close(): Promise<void>
}

const slackParts = () => loadPeer('@slack/webhook', () => import('../notify/slack/slack.ts'))

/** @param mailDirectory where mails are kept that nothing sends while one develops; null: nowhere. */
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
