/** `holdfast reconcile`: compares payments with the gateway's own books, in both directions, and prints what differs. */
import { Command } from 'commander'
import type { Difference, ReconcileOptions, ReconcileReport } from 'holdfast'
import { type CommandContext, type CommandHost, wholeNumber, writeJson } from '../command.ts'
import { cell, money, paint, table } from '../terminal/table.ts'

export interface ReconcileCommandOptions {
  hours?: number
  voidOrphans?: boolean
  record?: boolean
  json?: boolean
}

/** Between two lines of progress, milliseconds. */
const tellEveryMs = 2_000

export async function runReconcile(context: CommandContext, options: ReconcileCommandOptions = {}): Promise<number> {
  const { hours, voidOrphans = false, record = false } = options
  const progress = tellProgress(context)
  const report = await context.engine.reconcile({
    ...(hours === undefined ? {} : { hours }),
    voidOrphans,
    record,
    onProgress: progress.tell,
  })
  progress.end()
  if (options.json) writeJson(context, report)
  else print(context, report)
  return report.differenceCount === 0 ? 0 : 1
}

/** Nothing for a run that is over soon. */
function tellProgress({ err, isTty }: CommandContext) {
  let told = performance.now()
  let isOpen = false
  const tell: NonNullable<ReconcileOptions['onProgress']> = ({ payments, checkouts }) => {
    if (performance.now() - told < tellEveryMs) return
    told = performance.now()
    isOpen = isTty
    err(`${isTty ? '\r' : ''}${payments} payments, ${checkouts} checkouts compared${isTty ? '' : '\n'}`)
  }
  return {
    tell,
    end() {
      if (isOpen) err('\n')
    },
  }
}

const names: Readonly<Record<Difference['kind'], string>> = {
  orphan_open: 'open, no checkout goes on with it',
  orphan_captured: 'captured, no checkout says so',
  lost: 'the gateway does not know it',
  currency: 'another currency',
  authorized: 'another amount authorized',
  captured: 'another amount captured',
  refunded: 'another amount refunded',
  disputed: 'contested by the buyer',
}

function print(context: CommandContext, report: ReconcileReport): void {
  const { differences, differenceCount, settled, payments, checkouts, hours, gateway } = report
  if (differences.length > 0) context.out(tableOf(context, differences))
  if (differenceCount > differences.length) context.out(`… and ${differenceCount - differences.length} more\n`)
  if (settled.length > 0) context.out(`${differences.length > 0 ? '\n' : ''}put right\n${tableOf(context, settled)}`)
  const span = hours === 1 ? 'the last hour' : `the last ${hours} hours`
  context.out(`${payments} payments at ${gateway} and ${checkouts} checkouts of ${span} compared\n`)
  context.out(`${differenceCount} ${differenceCount === 1 ? 'difference' : 'differences'}\n`)
}

function tableOf(context: CommandContext, differences: readonly Difference[]): string {
  const rows = differences.map(({ kind, isCritical, checkoutId, reference, ours, theirs }) => [
    paint(context, isCritical ? 'bad' : 'warning', names[kind]),
    cell(checkoutId),
    cell(reference),
    cell(ourSide(ours)),
    cell(theirSide(theirs)),
  ])
  return table(context, ['difference', 'checkout', 'payment', 'we have', 'the gateway has'], rows)
}

function ourSide(ours: Difference['ours']): string {
  if (ours === null) return 'no such checkout'
  const { state, currency, authorizedMinor, capturedMinor, refundedMinor } = ours
  return [state, ...amounts(currency, { authorizedMinor, capturedMinor, refundedMinor })].join(', ')
}

function theirSide(theirs: Difference['theirs']): string {
  if (theirs === null) return 'nothing'
  const { status, currency, openMinor, capturedMinor, refundedMinor } = theirs
  return [status, ...amounts(currency, { openMinor, capturedMinor, refundedMinor })].join(', ')
}

/** `captured 12.50 USD`; nothing for what is 0. */
function amounts(currency: string | null, named: Readonly<Record<string, number>>): string[] {
  return Object.entries(named).flatMap(([name, minor]) =>
    minor === 0 || currency === null ? [] : [`${name.replace('Minor', '')} ${money(minor, currency)}`],
  )
}

export function reconcileCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('reconcile')
    .description('compare payments with the gateway’s own books, in both directions')
    .option('--hours <number>', 'how far to look back', wholeNumber(1, 8_784), 72)
    .option('--void-orphans', 'end payments that are open at the gateway and that no checkout goes on with')
    .option('--record', 'record refunds and disputes that were made at the gateway alone')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Servers and workers do it by themselves, with --void-orphans and --record (CHECKOUT_RECONCILE_INTERVAL_MINUTES).
What stood the last time is looked at again, however old. Exit code 0 without differences, 1 with any, 2 for a
gateway that has no books to look into.

Examples:
  holdfast reconcile
  holdfast reconcile --hours 720 --json | jq .differenceCount
  holdfast reconcile --void-orphans`,
    )
    .action(async (options: ReconcileCommandOptions) => done(await host.run(context => runReconcile(context, options))))
}
