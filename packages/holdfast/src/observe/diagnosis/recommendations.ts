/** Recommendations for an operator: per problem one sentence and the command to run. Pure: depends on its facts only. */
import type { HealthReport } from '../../engine/checkout-engine.ts'
import { plural } from '../plural.ts'
import type { Problems } from './problems.ts'

export interface Recommendation {
  /** `act`: money or orders wait for a person. `look`: check soon. `note`: about the configuration. */
  urgency: 'act' | 'look' | 'note'
  /** One sentence. */
  message: string
  command: string
}

/** Undelivered events of one listener in one state. */
export interface ListenerFacts {
  listener: string
  state: 'parked' | 'overdue' | 'failing'
  count: number
}

/** The facts about the configuration that recommendations use. They contain no secret. */
export interface ConfigFacts {
  isProduction: boolean
  gateway: string
  isEmbedded: boolean
  hasAdminSecret: boolean
  loggingEnabled: boolean
  /** A mail address or a Slack webhook is configured. */
  hasNotificationAddress: boolean
  wantsNotifications: boolean
  sendsMail: boolean
  hasWebhookSecret: boolean
  reconciles: boolean
}

export interface Facts {
  health: HealthReport
  /** Null if they could not be read. */
  problems: Problems | null
  listeners: readonly ListenerFacts[]
  config: ConfigFacts
}

const urgencies: readonly Recommendation['urgency'][] = ['act', 'look', 'note']
/** Recommendations per kind of problem. */
const namedMax = 3

/** Returns recommendations, the most urgent first. */
export function recommend(facts: Facts): Recommendation[] {
  const all = [...ofProblems(facts), ...ofListeners(facts), ...ofHealth(facts), ...ofConfig(facts.config)]
  return all.sort((one, other) => urgencies.indexOf(one.urgency) - urgencies.indexOf(other.urgency))
}

const act = (message: string, command: string): Recommendation => ({ urgency: 'act', message, command })
const look = (message: string, command: string): Recommendation => ({ urgency: 'look', message, command })
const note = (message: string, command: string): Recommendation => ({ urgency: 'note', message, command })

/** Quotes `text` as one word of a POSIX shell. */
export function quoted(text: string): string {
  return /^[\w.:@/+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function ofProblems({ problems }: Facts): Recommendation[] {
  if (problems === null) return []
  return [...ofRollbacks(problems), ...ofOperations(problems), ...ofReconciliation(problems), ...ofWebhooks(problems)]
}

function ofRollbacks({ rollbacks }: Problems): Recommendation[] {
  return rollbacks
    .slice(0, namedMax)
    .map(({ id, tries }) =>
      act(
        `The gateway has not confirmed the void or refund of a rollback after ${tries} attempts.`,
        `holdfast diagnose --lock ${id}`,
      ),
    )
}

function ofOperations({ rollbacks, operations }: Problems): Recommendation[] {
  const rolledBack = new Set(rollbacks.map(({ id }) => id))
  return operations
    .filter(({ checkoutId }) => !rolledBack.has(checkoutId))
    .slice(0, namedMax)
    .map(({ checkoutId, kind }) =>
      look(
        `The outcome of ${kind === 'authorize' ? 'an authorization' : `a ${kind}`} is unknown; it is retried automatically, or now by this command.`,
        `holdfast retry ${checkoutId}`,
      ),
    )
}

function ofReconciliation({ reconciliation }: Problems): Recommendation[] {
  if (reconciliation === null || reconciliation.failure === null) return []
  return [look('The last reconciliation with the gateway failed.', 'holdfast reconcile')]
}

function ofWebhooks({ webhooks }: Problems): Recommendation[] {
  const unmatched = webhooks.filter(({ ours }) => !ours).reduce((sum, { count }) => sum + count, 0)
  if (unmatched === 0) return []
  const were = unmatched === 1 ? 'was' : 'were'
  return [
    note(
      `${plural(unmatched, 'webhook')} ${were} given up because no checkout matches; check whether another application uses this gateway account.`,
      'holdfast webhooks --state given_up',
    ),
  ]
}

function ofListeners({ listeners }: Facts): Recommendation[] {
  return listeners.map(({ listener, state, count }) => {
    const deliveries = plural(count, 'delivery', 'deliveries')
    const name = quoted(listener)
    switch (state) {
      case 'parked':
        return act(
          `${deliveries} to ${listener} ${count === 1 ? 'is' : 'are'} parked; fix the listener, then retry.`,
          `holdfast deliveries retry --all-parked --listener ${name}`,
        )
      case 'overdue':
        return act(
          `${deliveries} to ${listener} ${count === 1 ? 'is' : 'are'} overdue; start a process that registers this listener, or park ${count === 1 ? 'it' : 'them'}.`,
          `holdfast deliveries --state overdue --listener ${name}`,
        )
      case 'failing':
        return look(
          `${deliveries} to ${listener} failed and will be retried automatically.`,
          `holdfast deliveries --state due --listener ${name}`,
        )
      default:
        return state satisfies never
    }
  })
}

/** The command per health check. Null: problems and listeners have more specific recommendations. */
const ofCheck: Readonly<Record<string, string | null>> = {
  database: 'holdfast migrate',
  expired_locks: 'holdfast cleanup',
  stuck_checkouts: 'holdfast diagnose',
  captures: 'holdfast reconcile',
  gateway: 'holdfast reconcile',
  webhooks: 'holdfast webhooks retry --all-given-up --ours',
  reconciliation: 'holdfast reconcile',
  rollbacks: null,
  deliveries: null,
}

function ofHealth({ health }: Facts): Recommendation[] {
  return Object.entries(health.checks).flatMap(([name, { status, message }]) => {
    const command = name in ofCheck ? ofCheck[name] : 'holdfast monitor --watch'
    if (status === 'ok' || command == null) return []
    const sentence = /[.!?]$/.test(message) ? message : `${message}.`
    return [status === 'critical' ? act(sentence, command) : look(sentence, command)]
  })
}

function ofConfig(config: ConfigFacts): Recommendation[] {
  const { isProduction, gateway } = config
  const notes: [boolean, Recommendation][] = [
    [
      isProduction && gateway === 'sandbox',
      act('The sandbox gateway is active in production; buyers are not charged.', 'export STRIPE_SECRET_KEY=sk_live_…'),
    ],
    [
      config.wantsNotifications && !config.hasNotificationAddress,
      look('Notifications are enabled, but no recipient is configured.', 'export CHECKOUT_NOTIFICATION_EMAIL=…'),
    ],
    [
      gateway === 'stripe' && !config.hasWebhookSecret,
      look(
        'Stripe webhooks are not accepted, so late payment results arrive only by polling.',
        'export STRIPE_WEBHOOK_SECRET=whsec_…',
      ),
    ],
    [
      gateway === 'stripe' && !config.reconciles,
      note('Payments are not reconciled with Stripe automatically.', 'export CHECKOUT_RECONCILE_INTERVAL_MINUTES=60'),
    ],
    [
      isProduction && config.isEmbedded,
      note('The embedded database is limited to one process and one disk.', 'export DATABASE_URL=postgres://…'),
    ],
    [
      isProduction && !config.sendsMail,
      note('No mail server is configured; buyers get no confirmations.', 'export SMTP_URL=smtps://…'),
    ],
    [
      !config.wantsNotifications && !config.hasNotificationAddress,
      note(
        'No one is notified when checkouts fail.',
        'export CHECKOUT_NOTIFY_ON_FAILURE=true CHECKOUT_NOTIFICATION_EMAIL=…',
      ),
    ],
    [
      !config.hasAdminSecret,
      note(
        'Administration over HTTP is disabled until a secret is set.',
        'export CHECKOUT_ADMIN_SECRET=$(openssl rand -hex 16)',
      ),
    ],
    [!config.loggingEnabled, note('Logging is disabled.', 'export CHECKOUT_LOGGING_ENABLED=true')],
  ]
  return notes.flatMap(([applies, recommendation]) => (applies ? [recommendation] : []))
}
