/** `holdfast diagnose`: finds problems and suggests commands that fix them, for the shop or for one checkout. */
import { Command } from 'commander'
import type { CheckoutConfig, HealthReport } from 'holdfast'
import { stateName } from 'holdfast'
import {
  type ActiveCheckout,
  type ConfigFacts,
  listActiveCheckouts,
  type Problems,
  plural,
  type Recommendation,
  readProblems,
  recommend,
  type TroubledListener,
  troubledListeners,
} from 'holdfast/operations'
import { type CommandContext, type CommandHost, checkoutId, writeJson } from '../command.ts'
import { diagnoseLock } from '../diagnose/lock.ts'
import { healthLines, healthWord, timeOf } from '../monitor/frame.ts'
import { brief, when } from '../terminal/duration.ts'
import { cell, paint, table } from '../terminal/table.ts'

export interface DiagnoseOptions {
  lock?: string
  json?: boolean
}

export function runDiagnose(context: CommandContext, options: DiagnoseOptions = {}): Promise<number> {
  const { lock, json = false } = options
  return lock === undefined ? diagnoseAll(context, json) : diagnoseLock(context, lock, json)
}

async function diagnoseAll(context: CommandContext, json: boolean): Promise<number> {
  const { engine, database, config } = context
  const [health, active, problems, listeners] = await Promise.all([
    engine.health(),
    listActiveCheckouts(database),
    readProblems(database),
    troubledListeners(database),
  ])
  const recommendations = recommend({ health, problems, listeners, config: configFacts(config) })
  if (json) writeJson(context, { health, active, ...problems, listeners, recommendations })
  else {
    context.out(`${healthWord(context, health)}  ${paint(context, 'quiet', timeOf(health.timestamp))}\n\n`)
    context.out(`${healthLines(context, health).join('\n')}\n`)
    printActive(context, active, problems)
    printProblems(context, problems)
    printListeners(context, listeners, problems.now)
    printRecommendations(context, health, recommendations)
  }
  return health.status === 'healthy' ? 0 : 1
}

function configFacts(config: CheckoutConfig): ConfigFacts {
  return {
    isProduction: config.environment === 'production',
    gateway: config.gateway,
    isEmbedded: config.databaseUrl === null,
    hasAdminSecret: config.adminSecret !== null,
    loggingEnabled: config.loggingEnabled,
    hasNotificationAddress: config.notificationEmail !== null || config.slackWebhookUrl !== null,
    wantsNotifications: config.notifyOnFailure || config.notifyOnExpiration,
    sendsMail: config.smtpUrl !== null,
    hasWebhookSecret: config.stripeWebhookSecret !== null,
    reconciles: config.reconcileIntervalMinutes > 0,
  }
}

function heading(context: CommandContext, title: string): void {
  context.out(`\n${paint(context, 'strong', title)}\n`)
}

function printActive(context: CommandContext, active: readonly ActiveCheckout[], { now, activeCount }: Problems): void {
  if (activeCount === 0) {
    context.out('\nno active checkouts\n')
    return
  }
  const fromNow = (time: string) => Date.parse(time) - Date.parse(now)
  const rows = active.map(one => [
    one.id,
    stateName(one.state),
    brief(-fromNow(one.lockedAt)),
    fromNow(one.wakeAt) <= 0 ? 'due' : brief(fromNow(one.wakeAt)),
    String(one.tries),
  ])
  const which = activeCount > active.length ? `${active.length} oldest of ${activeCount}` : String(activeCount)
  heading(context, `Active checkouts: ${which}`)
  context.out(table(context, ['lock', 'state', 'age', 'next', 'tries'], rows, { right: [2, 3, 4] }))
}

function printProblems(context: CommandContext, problems: Problems): void {
  const { now, rollbacks, operations, webhooks, reconciliation } = problems
  if (rollbacks.length > 0) {
    heading(context, 'Stuck rollbacks')
    const rows = rollbacks.map(one => [one.id, cell(one.code ?? '–'), when(one.wakeAt, now), String(one.tries)])
    context.out(table(context, ['lock', 'reason', 'next try', 'tries'], rows, { right: [3] }))
  }
  if (operations.length > 0) {
    heading(context, 'Payments of unknown outcome')
    const rows = operations.map(one => [
      one.checkoutId,
      `${one.kind}${one.attempt === 1 ? '' : ` ${one.attempt}`}`,
      when(one.intendedAt, now),
      when(one.wakeAt, now),
    ])
    context.out(table(context, ['lock', 'operation', 'sent', 'next try'], rows))
  }
  if (webhooks.length > 0) {
    heading(context, 'Webhooks given up')
    const rows = webhooks.map(one => [
      cell(one.gateway),
      cell(one.type),
      one.ours ? 'our checkouts' : 'no checkout',
      when(one.lastAt, now),
      String(one.count),
    ])
    context.out(table(context, ['gateway', 'type', 'about', 'last', 'count'], rows, { right: [4] }))
  }
  if (reconciliation !== null) {
    const { endedAt, startedAt, failure, differenceCount } = reconciliation
    const result =
      endedAt === null ? 'running' : failure !== null ? cell(failure) : plural(differenceCount, 'difference')
    context.out(`\nlast reconciliation with the gateway ${when(endedAt ?? startedAt, now)}: ${result}\n`)
  }
}

function printListeners(context: CommandContext, listeners: readonly TroubledListener[], now: string): void {
  if (listeners.length === 0) return
  heading(context, 'Failing deliveries')
  const tones = { parked: 'bad', overdue: 'bad', failing: 'warning' } as const
  const rows = listeners.map(one => [
    cell(one.listener),
    paint(context, tones[one.state], one.state),
    String(one.count),
    one.oldestAt === null ? '–' : when(one.oldestAt, now),
    cell(one.lastError ?? ''),
  ])
  context.out(table(context, ['listener', 'state', 'events', 'oldest', 'last error'], rows, { right: [2] }))
}

const urgencyTone = { act: 'bad', look: 'warning', note: 'quiet' } as const

function printRecommendations(
  context: CommandContext,
  health: HealthReport,
  recommendations: readonly Recommendation[],
): void {
  if (recommendations.length === 0) {
    context.out(`\n${health.status === 'healthy' ? 'nothing to do\n' : ''}`)
    return
  }
  heading(context, 'Next steps')
  for (const { urgency, message, command } of recommendations) {
    const mark = paint(context, urgencyTone[urgency], urgency.padEnd(4))
    // People copy commands: each is on its own line and never cut.
    context.out(`${mark}  ${cell(message)}\n      ${paint(context, 'strong', cell(command))}\n`)
  }
}

export function diagnoseCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('diagnose')
    .description('Find problems and suggest fixes, or show one checkout')
    .option('--lock <id>', 'Show everything about this checkout lock', checkoutId)
    .option('--json', 'Print JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0: all is well, 1: there is a problem, or no such checkout.

Examples:
  holdfast diagnose
  holdfast diagnose --lock 01989f0e-5c1a-7000-8000-2f1d7f3a9b10`,
    )
    .action(async (options: DiagnoseOptions) => done(await host.run(context => runDiagnose(context, options))))
}
