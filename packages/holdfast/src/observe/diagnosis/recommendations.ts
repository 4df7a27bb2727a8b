/** What to do about what is not well: of each matter one sentence, and the command to run. Pure: it only looks at facts. */
import type { HealthReport } from '../../engine/checkout-engine.ts'
import { plural } from '../plural.ts'
import type { Trouble } from './problems.ts'

export interface Recommendation {
  /** `act`: money or orders wait for people. `look`: soon. `note`: about the configuration. */
  urgency: 'act' | 'look' | 'note'
  /** One sentence. */
  message: string
  command: string
}

/** What is known of the deliveries to one listener, of one kind of trouble. */
export interface ListenerFacts {
  listener: string
  state: 'parked' | 'unheard' | 'failing'
  count: number
}

/** Of the configuration only what remarks are made about: no secret is handed over. */
export interface ConfigFacts {
  isProduction: boolean
  gateway: string
  isEmbedded: boolean
  hasAdminSecret: boolean
  loggingEnabled: boolean
  /** Somebody is told by mail or Slack. */
  hasNotificationAddress: boolean
  wantsNotifications: boolean
  sendsMail: boolean
  hasWebhookSecret: boolean
  reconciles: boolean
}

export interface Facts {
  health: HealthReport
  trouble: Trouble | null
  listeners: readonly ListenerFacts[]
  config: ConfigFacts
}

const urgencies: readonly Recommendation['urgency'][] = ['act', 'look', 'note']
/** Of one kind at most so many are named. */
const namedMax = 3

/** The most urgent first. */
export function recommend(facts: Facts): Recommendation[] {
  const all = [...ofTrouble(facts), ...ofListeners(facts), ...ofHealth(facts), ...ofConfig(facts.config)]
  return all.sort((one, other) => urgencies.indexOf(one.urgency) - urgencies.indexOf(other.urgency))
}

const act = (message: string, command: string): Recommendation => ({ urgency: 'act', message, command })
const look = (message: string, command: string): Recommendation => ({ urgency: 'look', message, command })
const note = (message: string, command: string): Recommendation => ({ urgency: 'note', message, command })

/** As one word of a shell. */
export function quoted(text: string): string {
  return /^[\w.:@/+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function ofTrouble({ trouble }: Facts): Recommendation[] {
  if (trouble === null) return []
  const rollbacks = trouble.rollbacks
    .slice(0, namedMax)
    .map(({ id, tries }) =>
      act(
        `A rollback was tried ${tries} times: the gateway does not let its payment go, or does not answer.`,
        `holdfast diagnose --lock ${id}`,
      ),
    )
  const rolledBack = new Set(trouble.rollbacks.map(({ id }) => id))
  const operations = trouble.operations
    .filter(({ checkoutId }) => !rolledBack.has(checkoutId))
    .slice(0, namedMax)
    .map(({ checkoutId, kind }) =>
      look(
        `The outcome of ${kind === 'authorize' ? 'an authorization' : `a ${kind}`} is not known yet; it is asked for by itself, or now.`,
        `holdfast retry ${checkoutId}`,
      ),
    )
  const failure = trouble.reconciliation?.failure
  const reconciliation =
    failure == null ? [] : [look('The last comparison with the gateway’s books came to nothing.', 'holdfast reconcile')]
  const strangers = trouble.webhooks.filter(({ ours }) => !ours).reduce((sum, { count }) => sum + count, 0)
  const webhooks =
    strangers === 0
      ? []
      : [
          note(
            `${plural(strangers, 'webhook')} of no checkout of ours ${strangers === 1 ? 'was' : 'were'} given up: another application’s, or are some missing here?`,
            'holdfast webhooks --state given_up',
          ),
        ]
  return [...rollbacks, ...operations, ...reconciliation, ...webhooks]
}

function ofListeners({ listeners }: Facts): Recommendation[] {
  return listeners.map(({ listener, state, count }) => {
    const deliveries = plural(count, 'delivery', 'deliveries')
    const name = quoted(listener)
    switch (state) {
      case 'parked':
        return act(
          `${deliveries} to ${listener} ${count === 1 ? 'was' : 'were'} given up: once it works, make them due again.`,
          `holdfast deliveries retry --all-parked --listener ${name}`,
        )
      case 'unheard':
        return act(
          `${deliveries} to ${listener} ${count === 1 ? 'is' : 'are'} late, and nobody takes them: start a process that has this listener, or give them up.`,
          `holdfast deliveries --state overdue --listener ${name}`,
        )
      case 'failing':
        return look(
          `${deliveries} to ${listener} failed and will be tried again by ${count === 1 ? 'itself' : 'themselves'}.`,
          `holdfast deliveries --state due --listener ${name}`,
        )
      default:
        return state satisfies never
    }
  })
}

/** What to do about a check that is not ok; those that trouble and listeners speak of are left to them. */
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
  const remarks: [boolean, Recommendation][] = [
    [
      isProduction && gateway === 'sandbox',
      act('The sandbox takes no money, and this is production.', 'export STRIPE_SECRET_KEY=sk_live_…'),
    ],
    [
      config.wantsNotifications && !config.hasNotificationAddress,
      look('Notifications are asked for, and there is nobody to tell.', 'export CHECKOUT_NOTIFICATION_EMAIL=…'),
    ],
    [
      gateway === 'stripe' && !config.hasWebhookSecret,
      look(
        'Stripe’s webhooks are not heard: what it settles later shows late.',
        'export STRIPE_WEBHOOK_SECRET=whsec_…',
      ),
    ],
    [
      gateway === 'stripe' && !config.reconciles,
      note(
        'Payments are not compared with Stripe’s books by themselves.',
        'export CHECKOUT_RECONCILE_INTERVAL_MINUTES=60',
      ),
    ],
    [
      isProduction && config.isEmbedded,
      note('The embedded database lives in one process, on one disk.', 'export DATABASE_URL=postgres://…'),
    ],
    [isProduction && !config.sendsMail, note('No mail is sent.', 'export SMTP_URL=smtps://…')],
    [
      !config.wantsNotifications && !config.hasNotificationAddress,
      note(
        'Nobody is told when checkouts fail.',
        'export CHECKOUT_NOTIFY_ON_FAILURE=true CHECKOUT_NOTIFICATION_EMAIL=…',
      ),
    ],
    [
      !config.hasAdminSecret,
      note(
        'Administration over HTTP is closed until there is a secret.',
        'export CHECKOUT_ADMIN_SECRET=$(openssl rand -hex 16)',
      ),
    ],
    [!config.loggingEnabled, note('No log lines are written.', 'export CHECKOUT_LOGGING_ENABLED=true')],
  ]
  return remarks.flatMap(([applies, remark]) => (applies ? [remark] : []))
}
