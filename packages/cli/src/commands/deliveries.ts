/** `holdfast deliveries`: lists, retries, and parks deliveries of events to listeners. */
import { Command, Option } from 'commander'
import type { DeliveryFilter, DeliveryKey, DeliveryRow } from 'holdfast/operations'
import { plural } from 'holdfast/operations'
import {
  type CommandContext,
  type CommandHost,
  checkoutId,
  eventId,
  requireCheckout,
  systemUser,
  wholeNumber,
  writeJson,
} from '../command.ts'
import { when } from '../terminal/duration.ts'
import { cell, paint, type Tone, table } from '../terminal/table.ts'

export interface DeliveriesOptions {
  state?: DeliveryFilter['state']
  listener?: string
  lock?: string
  limit?: number
  json?: boolean
}

interface OperatorOptions {
  actor?: string
  json?: boolean
}

export async function runDeliveries(context: CommandContext, options: DeliveriesOptions = {}): Promise<number> {
  const { state, listener, lock, limit = 50, json } = options
  if (listener !== undefined) await context.engine.deliverer.checkListener(listener)
  if (lock !== undefined) await requireCheckout(context, lock)
  // Read one more than the limit to know if there are more.
  const found = await context.engine.deliverer.list({ state, listener, checkoutId: lock, countMax: limit + 1 })
  const rows = found.slice(0, limit)
  if (json) writeJson(context, { deliveries: rows, more: found.length > limit })
  else print(context, rows, found.length > limit)
  return rows.some(row => row.state === 'parked') || state === 'overdue' ? Number(rows.length > 0) : 0
}

/** The state of a delivery in a word or two. */
export function stateText({ state, running, nextAt }: DeliveryRow, now: string): [Tone, string] {
  if (state === 'delivered') return ['good', 'delivered']
  if (state === 'parked') return ['bad', 'parked']
  if (running) return ['good', 'running']
  return ['warning', Date.parse(nextAt) <= Date.parse(now) ? 'due' : `retry ${when(nextAt, now)}`]
}

function print(context: CommandContext, rows: readonly DeliveryRow[], isMore: boolean): void {
  if (rows.length === 0) {
    context.out('no matching deliveries\n')
    return
  }
  const now = new Date().toISOString()
  const cells = rows.map(row => {
    const [tone, text] = stateText(row, now)
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
    table(context, ['event', 'listener', 'type', 'occurred', 'state', 'tries', 'last error'], cells, {
      right: [5],
      widths: { 6: 80 },
    }),
  )
  if (isMore) context.out(paint(context, 'quiet', 'there are more; show up to 999 with --limit\n'))
  if (rows.some(row => row.state === 'parked')) {
    context.out(paint(context, 'quiet', 'when the listener works again: holdfast deliveries retry --all-parked\n'))
  }
}

async function refusalOf(context: CommandContext, key: DeliveryKey, verb: string): Promise<string> {
  const row = await context.engine.deliverer.find(key)
  if (row === null) await context.engine.deliverer.checkListener(key.listener)
  if (row === null) return `there is no delivery of event ${key.eventId} to ${cell(key.listener)}`
  if (row.running) return 'the delivery is running; try again when it has ended'
  return `the delivery is already ${row.state}; nothing to ${verb}`
}

export async function runRedeliver(
  context: CommandContext,
  key: DeliveryKey,
  { actor = 'command line', json }: OperatorOptions = {},
): Promise<number> {
  const isDue = await context.engine.deliverer.redeliver(key, { actor })
  return report(context, isDue, key, { json, verb: 'retry', done: 'due now; a server or worker delivers it' })
}

export async function runPark(
  context: CommandContext,
  key: DeliveryKey,
  { actor = 'command line', json }: OperatorOptions = {},
): Promise<number> {
  // Parking a parked delivery again succeeds.
  const isParked =
    (await context.engine.deliverer.park(key, { actor })) ||
    (await context.engine.deliverer.find(key))?.state === 'parked'
  return report(context, isParked, key, {
    json,
    verb: 'park',
    done: 'parked; later deliveries of the checkout continue',
  })
}

async function report(
  context: CommandContext,
  isDone: boolean,
  key: DeliveryKey,
  { json, verb, done }: { json: boolean | undefined; verb: string; done: string },
): Promise<number> {
  if (!isDone) context.err(`${await refusalOf(context, key, verb)}\n`)
  if (json) writeJson(context, { delivery: await context.engine.deliverer.find(key) })
  else if (isDone) context.out(`${cell(key.listener)}: ${done}\n`)
  return isDone ? 0 : 1
}

export async function runRedeliverParked(
  context: CommandContext,
  { listener, actor = 'command line', json }: OperatorOptions & { listener?: string } = {},
): Promise<number> {
  if (listener !== undefined) await context.engine.deliverer.checkListener(listener)
  const redelivered = await context.engine.deliverer.redeliverParked({ listener, actor })
  if (json) writeJson(context, { redelivered })
  else {
    const to = listener === undefined ? '' : ` to ${cell(listener)}`
    context.out(`${plural(redelivered, 'parked delivery', 'parked deliveries')}${to} due now\n`)
  }
  return 0
}

export function deliveriesCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('deliveries')
    .description('List event deliveries: parked, pending, or overdue')
    .addOption(
      new Option(
        '--state <state>',
        'Show only this state; overdue: due, and the event is older than 5 minutes',
      ).choices(['parked', 'due', 'overdue']),
    )
    .option('--listener <name>', 'Show only deliveries to this listener')
    .option('--lock <id>', 'Show all deliveries of this checkout, delivered ones included', checkoutId)
    .option('--limit <number>', 'Maximum number of deliveries', wholeNumber(1, 999), 50)
    .option('--json', 'Print JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0: no listed delivery is parked or overdue, 1: at least one is, or there is no such checkout, 2: unknown listener.

Examples:
  holdfast deliveries
  holdfast deliveries --state parked --listener mail.order-confirmation
  holdfast deliveries retry --all-parked --listener mail.order-confirmation
  holdfast deliveries retry 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 mail.order-confirmation
  holdfast deliveries park 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 old-listener`,
    )
    .action(async (options: DeliveriesOptions) => done(await host.run(context => runDeliveries(context, options))))
    .addCommand(retryCommand(host, done))
    .addCommand(parkCommand(host, done))
}

function retryCommand(host: CommandHost, done: (code: number) => void): Command {
  const command = new Command('retry')
    .description('Retry a delivery, or all parked deliveries')
    .argument('[event]', 'Event ID', eventId)
    .argument('[listener]', 'Name of the listener')
    .option('--all-parked', 'Retry all parked deliveries')
    .option('--listener <name>', 'With --all-parked: only deliveries to this listener')
    .option('--actor <name>', 'Name to record as the actor', systemUser())
    .option('--json', 'Print the result as JSON')
    .addHelpText(
      'after',
      `
A delivered event is delivered again; the listener recognizes it by the same event.id.
Exit codes: 0: the delivery is due, 1: there is no such delivery, or it is running.

Examples:
  holdfast deliveries retry 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 mail.order-confirmation
  holdfast deliveries retry --all-parked --listener mail.order-confirmation`,
    )
  type Options = OperatorOptions & { allParked?: boolean; listener?: string }
  return command.action(async (event: string | undefined, listener: string | undefined, options: Options) => {
    if (options.allParked) {
      if (event !== undefined) command.error('error: specify an event and a listener, or --all-parked, not both')
      return done(await host.run(context => runRedeliverParked(context, options)))
    }
    if (event === undefined || listener === undefined || options.listener !== undefined) {
      return command.error('error: specify an event and a listener, or --all-parked (optionally with --listener)')
    }
    done(await host.run(context => runRedeliver(context, { eventId: event, listener }, options)))
  })
}

function parkCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('park')
    .description('Park a delivery, so that later deliveries continue')
    .argument('<event>', 'Event ID', eventId)
    .argument('<listener>', 'Name of the listener')
    .option('--actor <name>', 'Name to record as the actor', systemUser())
    .option('--json', 'Print the delivery as JSON')
    .addHelpText('after', '\nExample:\n  holdfast deliveries park 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 old-listener')
    .action(async (event: string, listener: string, options: OperatorOptions) =>
      done(await host.run(context => runPark(context, { eventId: event, listener }, options))),
    )
}
