/** `holdfast deliveries`: what events wait to be told to whom, and making them due or giving them up by hand. */

import { Command, InvalidArgumentError, Option } from 'commander'
import type { DeliveryFilter, DeliveryKey, DeliveryRow } from 'holdfast/operations'
import { plural } from 'holdfast/operations'
import {
  type CommandContext,
  type CommandHost,
  checkoutId,
  systemUser,
  uuid,
  wholeNumber,
  writeJson,
} from '../command.ts'
import { when } from '../terminal/span.ts'
import { cell, paint, type Tone, table } from '../terminal/table.ts'

export interface DeliveriesOptions {
  state?: DeliveryFilter['state']
  listener?: string
  lock?: string
  limit?: number
  json?: boolean
}

interface ByHandOptions {
  actor?: string
  json?: boolean
}

export async function runDeliveries(context: CommandContext, options: DeliveriesOptions = {}): Promise<number> {
  const { state, listener, lock, limit = 50, json } = options
  // One more than is shown, to know whether there is more.
  const found = await context.engine.deliverer.list({ state, listener, checkoutId: lock, countMax: limit + 1 })
  const rows = found.slice(0, limit)
  if (json) writeJson(context, { deliveries: rows, more: found.length > limit })
  else print(context, rows, found.length > limit)
  return rows.some(row => row.state === 'parked') || state === 'overdue' ? Number(rows.length > 0) : 0
}

/** What stands with a delivery, in a word or two. */
export function standing({ state, running, nextAt }: DeliveryRow, now: string): [Tone, string] {
  if (state === 'delivered') return ['good', 'delivered']
  if (state === 'parked') return ['bad', 'parked']
  if (running) return ['good', 'runs now']
  return ['warning', Date.parse(nextAt) <= Date.parse(now) ? 'due' : `again ${when(nextAt, now)}`]
}

function print(context: CommandContext, rows: readonly DeliveryRow[], isMore: boolean): void {
  if (rows.length === 0) {
    context.out('no such deliveries\n')
    return
  }
  const now = new Date().toISOString()
  const cells = rows.map(row => {
    const [tone, text] = standing(row, now)
    return [
      cell(row.eventId),
      cell(row.listener),
      cell(row.type),
      row.occurredAt === null ? '–' : when(row.occurredAt, now),
      paint(context, tone, text),
      String(row.attempts),
      cell(row.lastError ?? ''),
    ]
  })
  context.out(
    table(context, ['event', 'listener', 'type', 'happened', 'state', 'tries', 'last error'], cells, {
      right: [5],
      widths: { 6: 80 },
    }),
  )
  if (isMore) context.out(paint(context, 'quiet', 'there are more: --limit shows up to 1000\n'))
  if (rows.some(row => row.state === 'parked')) {
    context.out(paint(context, 'quiet', 'once the listener works: holdfast deliveries retry --all-parked\n'))
  }
}

async function refusalOf(context: CommandContext, key: DeliveryKey, wanted: string): Promise<string> {
  const row = await context.engine.deliverer.find(key)
  if (row === null) return `there is no delivery of event ${key.eventId} to ${cell(key.listener)}`
  if (row.running) return 'it runs right now: try again when it has ended'
  return `it is ${row.state}: nothing to ${wanted}`
}

export async function runRedeliver(
  context: CommandContext,
  key: DeliveryKey,
  { actor = 'command line', json }: ByHandOptions = {},
): Promise<number> {
  const isDue = await context.engine.deliverer.redeliver(key, { actor })
  return tell(context, isDue, key, { json, wanted: 'deliver', done: 'due now: a server or worker delivers it' })
}

export async function runPark(
  context: CommandContext,
  key: DeliveryKey,
  { actor = 'command line', json }: ByHandOptions = {},
): Promise<number> {
  // Asked again it is what was asked for already.
  const isParked =
    (await context.engine.deliverer.park(key, { actor })) ||
    (await context.engine.deliverer.find(key))?.state === 'parked'
  return tell(context, isParked, key, { json, wanted: 'give up', done: 'given up: what stands behind it goes on' })
}

async function tell(
  context: CommandContext,
  isDone: boolean,
  key: DeliveryKey,
  { json, wanted, done }: { json: boolean | undefined; wanted: string; done: string },
): Promise<number> {
  if (!isDone) context.err(`${await refusalOf(context, key, wanted)}\n`)
  if (json) writeJson(context, { delivery: await context.engine.deliverer.find(key) })
  else if (isDone) context.out(`${cell(key.listener)}: ${done}\n`)
  return isDone ? 0 : 1
}

export async function runRedeliverParked(
  context: CommandContext,
  { listener, actor = 'command line', json }: ByHandOptions & { listener?: string } = {},
): Promise<number> {
  const redelivered = await context.engine.deliverer.redeliverParked({ listener, actor })
  if (json) writeJson(context, { redelivered })
  else {
    const to = listener === undefined ? '' : ` to ${cell(listener)}`
    context.out(`${plural(redelivered, 'parked delivery', 'parked deliveries')}${to} made due\n`)
  }
  return 0
}

function eventId(text: string): string {
  if (!uuid.test(text)) throw new InvalidArgumentError('It is the id of an event, a UUID.')
  return text.toLowerCase()
}

export function deliveriesCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('deliveries')
    .description('events on their way to listeners: what was given up, waits or is late')
    .addOption(
      new Option('--state <state>', 'only these; overdue: due for more than 5 minutes').choices([
        'parked',
        'due',
        'overdue',
      ]),
    )
    .option('--listener <name>', 'only to this listener')
    .option('--lock <id>', 'only of this checkout; delivered ones, too', checkoutId)
    .option('--limit <number>', 'show at most so many', wholeNumber(1, 999), 50)
    .option('--json', 'print them as JSON')
    .addHelpText(
      'after',
      `
Exit code 0 when none of them is parked or overdue, 1 when one is.

Examples:
  holdfast deliveries
  holdfast deliveries --state parked --listener mail
  holdfast deliveries retry --all-parked --listener mail
  holdfast deliveries retry 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 mail
  holdfast deliveries park 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 old-listener`,
    )
    .action(async (options: DeliveriesOptions) => done(await host.run(context => runDeliveries(context, options))))
    .addCommand(retryCommand(host, done))
    .addCommand(parkCommand(host, done))
}

function retryCommand(host: CommandHost, done: (code: number) => void): Command {
  const command = new Command('retry')
    .description('make a delivery due again, whatever became of it, or all that were given up')
    .argument('[event]', 'the id of the event', eventId)
    .argument('[listener]', 'the name of the listener')
    .option('--all-parked', 'all deliveries that were given up')
    .option('--listener <name>', 'with --all-parked: only to this listener')
    .option('--actor <name>', 'who, for the record', systemUser())
    .option('--json', 'print what came of it as JSON')
    .addHelpText(
      'after',
      `
A listener that heard of it already hears of it again: event.id is the same.
Exit code 0 when it is due, 1 when there is no such delivery or it runs right now.

Examples:
  holdfast deliveries retry 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 mail
  holdfast deliveries retry --all-parked --listener mail`,
    )
  type Options = ByHandOptions & { allParked?: boolean; listener?: string }
  return command.action(async (event: string | undefined, listener: string | undefined, options: Options) => {
    if (options.allParked) {
      if (event !== undefined) command.error('error: give an event and a listener, or --all-parked, not both')
      return done(await host.run(context => runRedeliverParked(context, options)))
    }
    if (event === undefined || listener === undefined || options.listener !== undefined) {
      return command.error('error: give an event and a listener, or --all-parked (with --listener or not)')
    }
    done(await host.run(context => runRedeliver(context, { eventId: event, listener }, options)))
  })
}

function parkCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('park')
    .description('give a delivery up by hand, so that those behind it go on: of a listener that is no more, say')
    .argument('<event>', 'the id of the event', eventId)
    .argument('<listener>', 'the name of the listener')
    .option('--actor <name>', 'who, for the record', systemUser())
    .option('--json', 'print the delivery as JSON')
    .addHelpText('after', '\nExample:\n  holdfast deliveries park 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 old-listener')
    .action(async (event: string, listener: string, options: ByHandOptions) =>
      done(await host.run(context => runPark(context, { eventId: event, listener }, options))),
    )
}
