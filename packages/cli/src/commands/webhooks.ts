/** `holdfast webhooks`: lists, retries, and dismisses webhooks received from gateways. */
import { Command, Option } from 'commander'
import type { WebhookFilter, WebhookKey, WebhookRow } from 'holdfast/operations'
import { plural } from 'holdfast/operations'
import {
  type CommandContext,
  type CommandHost,
  checkoutId,
  requireCheckout,
  systemUser,
  wholeNumber,
  writeJson,
} from '../command.ts'
import { when } from '../terminal/duration.ts'
import { cell, paint, type Tone, table } from '../terminal/table.ts'

interface WebhooksOptions extends Pick<WebhookFilter, 'state' | 'gateway' | 'type' | 'ours'> {
  lock?: string
  limit?: number
  json?: boolean
}

interface OperatorOptions {
  gateway?: string
  actor?: string
  json?: boolean
}

async function runWebhooks(context: CommandContext, options: WebhooksOptions): Promise<number> {
  const { state, gateway, type, ours, lock, limit = 50, json } = options
  if (gateway !== undefined) await context.engine.webhooks.checkGateway(gateway)
  if (lock !== undefined) await requireCheckout(context, lock)
  // Read one more than the limit to know if there are more.
  const filter = { state, gateway, type, ours, checkoutId: lock, countMax: limit + 1 }
  const found = await context.engine.webhooks.list(filter)
  const rows = found.slice(0, limit)
  if (json) writeJson(context, { webhooks: rows, more: found.length > limit })
  else print(context, rows, found.length > limit)
  return Number(rows.some(row => row.state === 'given_up' && row.checkoutId !== null))
}

/** The state of a webhook in a word or two. */
function stateText({ state, nextAt }: WebhookRow, now: string): [Tone, string] {
  if (state === 'done') return ['good', 'done']
  if (state === 'given_up') return ['bad', 'given up']
  return ['warning', nextAt === null || Date.parse(nextAt) <= Date.parse(now) ? 'due' : `retry ${when(nextAt, now)}`]
}

function print(context: CommandContext, rows: readonly WebhookRow[], isMore: boolean): void {
  if (rows.length === 0) {
    context.out('no matching webhooks\n')
    return
  }
  const now = new Date().toISOString()
  const cells = rows.map(row => [
    cell(row.gateway),
    cell(row.eventId),
    cell(row.type),
    row.checkoutId ?? '–',
    when(row.receivedAt, now),
    paint(context, ...stateText(row, now)),
    String(row.attempts),
    cell(row.lastReason ?? ''),
  ])
  const head = ['gateway', 'event', 'type', 'lock', 'received', 'state', 'tries', 'last reason']
  context.out(table(context, head, cells, { right: [6], widths: { 7: 80 }, shrinkFirst: [2, 7], fixed: [0, 1] }))
  const hint = (text: string) => context.out(paint(context, 'quiet', `${text}\n`))
  if (isMore) hint('there are more; show up to 999 with --limit')
  const givenUp = rows.filter(row => row.state === 'given_up')
  if (givenUp.some(row => row.checkoutId !== null)) {
    hint('when the gateway answers again: holdfast webhooks retry --all-given-up --ours')
  }
  if (givenUp.some(row => row.checkoutId === null)) {
    hint('if they belong to another application: holdfast webhooks dismiss --all-unmatched')
  }
}

const done = {
  retry: 'due now; a server or worker processes it',
  dismiss: 'dismissed; it will not be processed',
}

async function runOne(
  context: CommandContext,
  what: 'retry' | 'dismiss',
  key: WebhookKey,
  { actor = 'command line', json }: OperatorOptions,
): Promise<number> {
  const { webhooks } = context.engine
  const isChanged = await webhooks[what](key, { actor })
  const row = await webhooks.find(key)
  // Dismissing a dismissed webhook again succeeds.
  const isDone = isChanged || (what === 'dismiss' && row !== null)
  if (row === null) await webhooks.checkGateway(key.gateway)
  if (!isDone) context.err(`${refusalOf(key, row)}\n`)
  if (json) writeJson(context, { webhook: row })
  else if (isDone) context.out(`${cell(key.eventId)}: ${done[what]}\n`)
  return isDone ? 0 : 1
}

function refusalOf({ gateway, eventId }: WebhookKey, row: WebhookRow | null): string {
  if (row === null) return `there is no webhook ${cell(eventId)} from ${cell(gateway)}`
  const retryCheckout = row.checkoutId === null ? '' : `; to query the gateway again: holdfast retry ${row.checkoutId}`
  return `the webhook is already done; nothing to retry${retryCheckout}`
}

async function runAll(
  context: CommandContext,
  what: 'retried' | 'dismissed',
  { gateway, actor = 'command line', json, ours }: OperatorOptions & { ours?: boolean },
): Promise<number> {
  const { webhooks } = context.engine
  if (gateway !== undefined) await webhooks.checkGateway(gateway)
  const count =
    what === 'retried'
      ? await webhooks.retryGivenUp({ gateway, ours, actor })
      : await webhooks.dismissUnmatched({ gateway, actor })
  if (json) writeJson(context, { [what]: count })
  else {
    const from = gateway === undefined ? '' : ` from ${cell(gateway)}`
    const result = what === 'retried' ? 'due now' : 'dismissed'
    context.out(`${plural(count, 'webhook')}${from} ${result}\n`)
  }
  return 0
}

export function webhooksCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('webhooks')
    .description('List received webhooks: given up or waiting')
    .addOption(new Option('--state <state>', 'Show only this state').choices(['given_up', 'waiting', 'done']))
    .option('--gateway <name>', 'Show only webhooks from this gateway')
    .option('--type <type>', 'Show only this type, in the gateway’s words')
    .option('--ours', 'Show only webhooks about our checkouts')
    .option('--lock <id>', 'Show only webhooks about this checkout', checkoutId)
    .option('--limit <number>', 'Maximum number of webhooks', wholeNumber(1, 999), 50)
    .option('--json', 'Print JSON')
    .addHelpText(
      'after',
      `
Payloads are never shown.
Exit codes: 0: no listed webhook about our checkouts was given up, 1: at least one was, or there is no such checkout, 2: unknown gateway.

Examples:
  holdfast webhooks
  holdfast webhooks --state given_up --ours
  holdfast webhooks retry --all-given-up --ours
  holdfast webhooks retry stripe evt_1QGk2eLkdIwHu7ix
  holdfast webhooks dismiss --all-unmatched --gateway stripe`,
    )
    .action(async (options: WebhooksOptions) => done(await host.run(context => runWebhooks(context, options))))
    .addCommand(retryCommand(host, done))
    .addCommand(dismissCommand(host, done))
}

/** A command about one webhook, or about all that `--all` selects. */
function operatorCommand(name: string, all: string, meaning: string): Command {
  return new Command(name)
    .argument('[gateway]', 'Name of the gateway')
    .argument('[event]', 'The gateway’s event ID')
    .option(`--${all}`, meaning)
    .option('--gateway <name>', `With --${all}: only webhooks from this gateway`)
    .option('--actor <name>', 'Name to record as the actor', systemUser())
    .option('--json', 'Print the result as JSON')
}

function keyOf(
  command: Command,
  gateway: string | undefined,
  eventId: string | undefined,
  { all, isAll, isNarrowed }: { all: string; isAll: boolean; isNarrowed: boolean },
): WebhookKey | null {
  if (isAll) {
    return gateway === undefined ? null : command.error(`error: specify a gateway and an event, or --${all}, not both`)
  }
  if (gateway !== undefined && eventId !== undefined && !isNarrowed) return { gateway, eventId }
  return command.error(`error: specify a gateway and an event, or --${all}`)
}

function retryCommand(host: CommandHost, done: (code: number) => void): Command {
  const all = 'all-given-up'
  const command = operatorCommand('retry', all, 'Retry all webhooks that were given up')
    .description('Retry a webhook, or all that were given up')
    .option('--ours', `With --${all}: only webhooks about our checkouts`)
    .addHelpText(
      'after',
      `
A retried webhook is processed like a new one: now, and again for three days. No effect is recorded twice.
Exit codes: 0: the webhook is due, 1: there is no such webhook, or it is done.

Examples:
  holdfast webhooks retry stripe evt_1QGk2eLkdIwHu7ix
  holdfast webhooks retry --all-given-up --ours`,
    )
  type Options = OperatorOptions & { allGivenUp?: boolean; ours?: boolean }
  return command.action(async (gateway: string | undefined, eventId: string | undefined, options: Options) => {
    const { allGivenUp: isAll = false, ours } = options
    const isNarrowed = options.gateway !== undefined || ours === true
    const key = keyOf(command, gateway, eventId, { all, isAll, isNarrowed })
    done(
      await host.run(context =>
        key === null ? runAll(context, 'retried', options) : runOne(context, 'retry', key, options),
      ),
    )
  })
}

function dismissCommand(host: CommandHost, done: (code: number) => void): Command {
  const all = 'all-unmatched'
  const command = operatorCommand('dismiss', all, 'Dismiss all given-up webhooks that match no checkout')
    .description('Dismiss a webhook without processing it')
    .addHelpText(
      'after',
      `
Dismiss the webhooks of another application. They are deleted after CHECKOUT_WEBHOOK_RETENTION_DAYS.
Exit codes: 0: dismissed, 1: there is no such webhook.

Examples:
  holdfast webhooks dismiss stripe evt_1QGk2eLkdIwHu7ix
  holdfast webhooks dismiss --all-unmatched`,
    )
  type Options = OperatorOptions & { allUnmatched?: boolean }
  return command.action(async (gateway: string | undefined, eventId: string | undefined, options: Options) => {
    const { allUnmatched: isAll = false } = options
    const key = keyOf(command, gateway, eventId, { all, isAll, isNarrowed: options.gateway !== undefined })
    done(
      await host.run(context =>
        key === null ? runAll(context, 'dismissed', options) : runOne(context, 'dismiss', key, options),
      ),
    )
  })
}
