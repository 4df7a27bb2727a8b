/** `holdfast webhooks`: what gateways told and nobody could make sense of yet, looked at again or done with by hand. */

import { Command, Option } from 'commander'
import type { WebhookFilter, WebhookKey, WebhookRow } from 'holdfast/operations'
import { plural } from 'holdfast/operations'
import { type CommandContext, type CommandHost, checkoutId, systemUser, wholeNumber, writeJson } from '../command.ts'
import { when } from '../terminal/span.ts'
import { cell, paint, type Tone, table } from '../terminal/table.ts'

interface WebhooksOptions extends Pick<WebhookFilter, 'state' | 'gateway' | 'type' | 'ours'> {
  lock?: string
  limit?: number
  json?: boolean
}

interface ByHandOptions {
  gateway?: string
  actor?: string
  json?: boolean
}

async function runWebhooks(context: CommandContext, options: WebhooksOptions): Promise<number> {
  const { state, gateway, type, ours, lock, limit = 50, json } = options
  // One more than is shown, to know whether there is more.
  const filter = { state, gateway, type, ours, checkoutId: lock, countMax: limit + 1 }
  const found = await context.engine.webhooks.list(filter)
  const rows = found.slice(0, limit)
  if (json) writeJson(context, { webhooks: rows, more: found.length > limit })
  else print(context, rows, found.length > limit)
  return Number(rows.some(row => row.state === 'given_up' && row.checkoutId !== null))
}

/** What stands with a webhook, in a word or two. */
function standing({ state, nextAt }: WebhookRow, now: string): [Tone, string] {
  if (state === 'done') return ['good', 'done']
  if (state === 'given_up') return ['bad', 'given up']
  return ['warning', nextAt === null || Date.parse(nextAt) <= Date.parse(now) ? 'due' : `again ${when(nextAt, now)}`]
}

function print(context: CommandContext, rows: readonly WebhookRow[], isMore: boolean): void {
  if (rows.length === 0) {
    context.out('no such webhooks\n')
    return
  }
  const now = new Date().toISOString()
  const cells = rows.map(row => [
    cell(row.gateway),
    cell(row.eventId),
    cell(row.type),
    row.checkoutId ?? '–',
    when(row.receivedAt, now),
    paint(context, ...standing(row, now)),
    String(row.attempts),
    cell(row.lastReason ?? ''),
  ])
  const head = ['gateway', 'event', 'type', 'lock', 'received', 'state', 'tries', 'last reason']
  context.out(table(context, head, cells, { right: [6], widths: { 7: 80 }, yields: [2, 7], stays: [0, 1] }))
  const hint = (text: string) => context.out(paint(context, 'quiet', `${text}\n`))
  if (isMore) hint('there are more: --limit shows up to 999')
  const givenUp = rows.filter(row => row.state === 'given_up')
  if (givenUp.some(row => row.checkoutId !== null)) {
    hint('once the gateway answers: holdfast webhooks retry --all-given-up --ours')
  }
  if (givenUp.some(row => row.checkoutId === null)) {
    hint('where they are another application’s: holdfast webhooks dismiss --all-unmatched')
  }
}

const done = {
  retry: 'due now: a server or worker looks at it',
  dismiss: 'done with: nobody looks at it any more',
}

async function runOne(
  context: CommandContext,
  what: 'retry' | 'dismiss',
  key: WebhookKey,
  { actor = 'command line', json }: ByHandOptions,
): Promise<number> {
  const { webhooks } = context.engine
  const isChanged = await webhooks[what](key, { actor })
  const row = await webhooks.find(key)
  // Dismissed again it is what was asked for already.
  const isDone = isChanged || (what === 'dismiss' && row !== null)
  if (!isDone) context.err(`${refusalOf(key, row)}\n`)
  if (json) writeJson(context, { webhook: row })
  else if (isDone) context.out(`${cell(key.eventId)}: ${done[what]}\n`)
  return isDone ? 0 : 1
}

function refusalOf({ gateway, eventId }: WebhookKey, row: WebhookRow | null): string {
  if (row === null) return `there is no webhook ${cell(eventId)} of ${cell(gateway)}`
  const askAgain = row.checkoutId === null ? '' : `; to ask the gateway again: holdfast retry ${row.checkoutId}`
  return `it is done: nothing to look at${askAgain}`
}

async function runAll(
  context: CommandContext,
  what: 'retried' | 'dismissed',
  { gateway, actor = 'command line', json, ours }: ByHandOptions & { ours?: boolean },
): Promise<number> {
  const { webhooks } = context.engine
  const count =
    what === 'retried'
      ? await webhooks.retryGivenUp({ gateway, ours, actor })
      : await webhooks.dismissUnmatched({ gateway, actor })
  if (json) writeJson(context, { [what]: count })
  else {
    const from = gateway === undefined ? '' : ` of ${cell(gateway)}`
    const became = what === 'retried' ? 'made due' : 'done with'
    context.out(`${plural(count, 'webhook')}${from} ${became}\n`)
  }
  return 0
}

export function webhooksCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('webhooks')
    .description('what gateways told: what was given up or waits, and having it looked at again')
    .addOption(new Option('--state <state>', 'only these').choices(['given_up', 'waiting', 'done']))
    .option('--gateway <name>', 'only of this gateway')
    .option('--type <type>', 'only of this type, as the gateway calls it')
    .option('--ours', 'only those of checkouts of ours')
    .option('--lock <id>', 'only of this checkout', checkoutId)
    .option('--limit <number>', 'show at most so many', wholeNumber(1, 999), 50)
    .option('--json', 'print them as JSON')
    .addHelpText(
      'after',
      `
What they carry is never shown. Exit code 0 when none of a checkout of ours was given up, 1 when one was.

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

/** A command about one webhook, or about all of a kind. */
function byHand(name: string, all: string, meaning: string): Command {
  return new Command(name)
    .argument('[gateway]', 'the name of the gateway')
    .argument('[event]', 'the gateway’s id of the event')
    .option(`--${all}`, meaning)
    .option('--gateway <name>', `with --${all}: only of this gateway`)
    .option('--actor <name>', 'who, for the record', systemUser())
    .option('--json', 'print what came of it as JSON')
}

function keyOf(
  command: Command,
  gateway: string | undefined,
  eventId: string | undefined,
  { all, isAll, isNarrowed }: { all: string; isAll: boolean; isNarrowed: boolean },
): WebhookKey | null {
  if (isAll) {
    return gateway === undefined ? null : command.error(`error: give a gateway and an event, or --${all}, not both`)
  }
  if (gateway !== undefined && eventId !== undefined && !isNarrowed) return { gateway, eventId }
  return command.error(`error: give a gateway and an event, or --${all}`)
}

function retryCommand(host: CommandHost, done: (code: number) => void): Command {
  const all = 'all-given-up'
  const command = byHand('retry', all, 'all that were given up')
    .description('have a webhook looked at now, and for three days as if it had just come, or all that were given up')
    .option('--ours', `with --${all}: only those of checkouts of ours`)
    .addHelpText(
      'after',
      `
Looking again changes nothing that is recorded already. Exit code 0 when it is due, 1 when there is none, or it is done.

Examples:
  holdfast webhooks retry stripe evt_1QGk2eLkdIwHu7ix
  holdfast webhooks retry --all-given-up --ours`,
    )
  type Options = ByHandOptions & { allGivenUp?: boolean; ours?: boolean }
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
  const command = byHand('dismiss', all, 'all that were given up and speak of no checkout of ours')
    .description('be done with a webhook unheeded, so that it is forgotten in time: another application’s, say')
    .addHelpText(
      'after',
      `
Exit code 0 when it is done with, 1 when there is none.

Examples:
  holdfast webhooks dismiss stripe evt_1QGk2eLkdIwHu7ix
  holdfast webhooks dismiss --all-unmatched`,
    )
  type Options = ByHandOptions & { allUnmatched?: boolean }
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
