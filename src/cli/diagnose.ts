/** `holdfast diagnose`: what is the matter, with everything or with one checkout. */
import { Command } from 'commander'
import { describeLock } from '../checkout/lock.ts'
import { stateName } from '../checkout/states.ts'
import type { Diagnosis } from '../checkout-engine.ts'
import { type ActiveCheckout, listActive } from '../observe/active.ts'
import { type CommandContext, type CommandHost, checkoutId, writeJson } from './command.ts'
import { printHealth } from './monitor.ts'
import { cell, money, paint, table } from './table.ts'

export interface DiagnoseOptions {
  lock?: string
  json?: boolean
}

export function runDiagnose(context: CommandContext, options: DiagnoseOptions = {}): Promise<number> {
  return options.lock === undefined
    ? diagnoseAll(context, options.json ?? false)
    : diagnoseOne(context, options.lock, options.json ?? false)
}

async function diagnoseAll(context: CommandContext, json: boolean): Promise<number> {
  const [health, active] = await Promise.all([context.engine.health(), listActive(context.database)])
  if (json) writeJson(context, { health, active })
  else {
    printHealth(context, health)
    printActive(context, active)
  }
  return health.status === 'healthy' ? 0 : 1
}

function printActive(context: CommandContext, active: readonly ActiveCheckout[]): void {
  if (active.length === 0) {
    context.out('no checkout is active\n')
    return
  }
  const rows = active.map(one => [
    one.id,
    stateName(one.state),
    one.lockedAt,
    one.expiresAt,
    one.wakeAt,
    String(one.tries),
  ])
  context.out(`\nactive, oldest first (at most ${active.length} shown)\n`)
  context.out(table(context, ['lock', 'state', 'since', 'expires', 'looked at again', 'tries'], rows, { right: [5] }))
  context.out(`${paint(context, 'quiet', `holdfast diagnose --lock ${active[0]?.id}`)}\n`)
}

async function diagnoseOne(context: CommandContext, lockId: string, json: boolean): Promise<number> {
  const found = await context.engine.diagnose(lockId)
  if (json) writeJson(context, found)
  else if (found !== null) print(context, found)
  if (found === null) context.err(`there is no checkout ${lockId}\n`)
  return found === null ? 1 : 0
}

/** A table of the columns that are named, under a title; nothing where there are no rows. */
function section(context: CommandContext, title: string, columns: readonly string[], rows: readonly object[]): void {
  if (rows.length === 0) return
  const cells = (rows as Record<string, unknown>[]).map(row => columns.map(column => cell(row[column])))
  context.out(
    `\n${paint(context, 'strong', title)}\n${table(
      context,
      columns.map(name => name.replaceAll('_', ' ')),
      cells,
    )}`,
  )
}

function print(context: CommandContext, { lock, order, ...found }: Diagnosis): void {
  const { isExpired, durationMs } = describeLock(lock)
  const facts: [string, string][] = [
    ['lock', lock.id],
    ['state', `${stateName(lock.state)}${isExpired ? ', expired' : ''}`],
    ['phase', lock.phase ?? '–'],
    ['cart', lock.cartId],
    ['locked', `${lock.lockedAt}, until ${lock.expiresAt}`],
    ['took', `${durationMs} ms`],
  ]
  if (lock.failure !== null) facts.push(['failed', `${lock.failure.code}: ${lock.failure.message}`])
  if (order !== null) {
    facts.push(['order', `${order.number} (${order.status}), ${money(order.totalMinor, order.currency)}`])
    if (order.refundedMinor > 0) facts.push(['refunded', money(order.refundedMinor, order.currency)])
  }
  context.out(
    table(
      context,
      ['', ''],
      facts.map(([name, value]) => [name, cell(value)]),
    ),
  )
  const amounts = [
    'unit_minor',
    'subtotal_minor',
    'discount_minor',
    'tax_minor',
    'shipping_minor',
    'total_minor',
    'currency',
  ]
  section(context, 'Frozen prices (line 0 is the cart)', ['line_no', 'sku', 'quantity', ...amounts], found.snapshots)
  section(context, 'Stock', ['line_no', 'sku', 'location', 'quantity', 'state'], found.reservations)
  section(
    context,
    'Payment',
    ['kind', 'attempt', 'status', 'amount_minor', 'currency', 'reference', 'intended_at', 'settled_at'],
    found.operations,
  )
  section(context, 'History', ['version', 'from', 'to', 'epoch', 'at', 'durationMs'], found.timeline)
  section(context, 'Events', ['type', 'listener', 'state', 'attempts', 'last_error'], found.deliveries)
}

export function diagnoseCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('diagnose')
    .description('what is the matter: health and active checkouts, or all there is about one')
    .option('--lock <id>', 'the checkout lock to look at', checkoutId)
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExit code 1 when something is not well, or there is no such checkout.\n\nExamples:\n  holdfast diagnose\n  holdfast diagnose --lock 01989f0e-5c1a-7000-8000-2f1d7f3a9b10',
    )
    .action(async (options: DiagnoseOptions) => done(await host.run(context => runDiagnose(context, options))))
}
