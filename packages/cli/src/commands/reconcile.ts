/** `holdfast reconcile`: compares payments with the gateway's records, in both directions, and lists the differences. */
import { Command } from 'commander'
import type { Difference, ReconcileOptions, ReconcileReport } from 'holdfast'
import { plural } from 'holdfast/operations'
import { type CommandContext, type CommandHost, wholeNumber, writeJson } from '../command.ts'
import { cell, money, paint, table } from '../terminal/table.ts'

export interface ReconcileCommandOptions {
  hours?: number
  voidOrphans?: boolean
  record?: boolean
  json?: boolean
}

/** Interval of progress lines, milliseconds. */
const progressEveryMs = 2_000

export async function runReconcile(context: CommandContext, options: ReconcileCommandOptions = {}): Promise<number> {
  const { hours, voidOrphans = false, record = false } = options
  const progress = showProgress(context)
  const report = await context.engine.reconcile({
    ...(hours === undefined ? {} : { hours }),
    voidOrphans,
    record,
    onProgress: progress.update,
  })
  progress.end()
  if (options.json) writeJson(context, report)
  else print(context, report)
  return report.differenceCount === 0 ? 0 : 1
}

/** Progress lines; none for a short run. */
function showProgress({ err, isTty }: CommandContext) {
  let shownAt = performance.now()
  let isOpen = false
  const update: NonNullable<ReconcileOptions['onProgress']> = ({ payments, checkouts }) => {
    if (performance.now() - shownAt < progressEveryMs) return
    shownAt = performance.now()
    isOpen = isTty
    err(`${isTty ? '\r' : ''}${payments} payments, ${checkouts} checkouts compared${isTty ? '' : '\n'}`)
  }
  return {
    update,
    end() {
      if (isOpen) err('\n')
    },
  }
}

const names: Readonly<Record<Difference['kind'], string>> = {
  orphan_open: 'open, without a checkout',
  orphan_captured: 'captured, not recorded here',
  lost: 'unknown to the gateway',
  currency: 'different currency',
  authorized: 'different amount authorized',
  captured: 'different amount captured',
  refunded: 'different amount refunded',
  disputed: 'disputed by the buyer',
}

function print(context: CommandContext, report: ReconcileReport): void {
  const { differences, differenceCount, settled, payments, checkouts, hours, gateway } = report
  if (differences.length > 0) context.out(tableOf(context, differences))
  if (differenceCount > differences.length) context.out(`… and ${differenceCount - differences.length} more\n`)
  if (settled.length > 0) context.out(`${differences.length > 0 ? '\n' : ''}corrected\n${tableOf(context, settled)}`)
  const span = hours === 1 ? 'the last hour' : `the last ${hours} hours`
  context.out(`${plural(payments, 'payment')} at ${gateway} and ${plural(checkouts, 'checkout')} of ${span} compared\n`)
  context.out(`${plural(differenceCount, 'difference')}\n`)
}

function tableOf(context: CommandContext, differences: readonly Difference[]): string {
  const rows = differences.map(({ kind, isCritical, checkoutId, reference, ours, theirs }) => [
    paint(context, isCritical ? 'bad' : 'warning', names[kind]),
    cell(checkoutId),
    cell(reference),
    cell(ourSide(ours)),
    cell(theirSide(theirs)),
  ])
  return table(context, ['difference', 'checkout', 'payment', 'recorded here', 'recorded at the gateway'], rows)
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
    .description('Compare payments with the gateway’s records, in both directions')
    .option('--hours <number>', 'Hours to look back', wholeNumber(1, 8_784), 72)
    .option('--void-orphans', 'Void payments that are open at the gateway and have no checkout')
    .option('--record', 'Record refunds and disputes that were made at the gateway')
    .option('--json', 'Print the report as JSON')
    .addHelpText(
      'after',
      `
Servers and workers do the same periodically, with --void-orphans and --record (CHECKOUT_RECONCILE_INTERVAL_MINUTES).
Differences of the last run are checked again, at any age.
Exit codes: 0: no differences, 1: at least one difference, 2: the gateway has no records to compare.

Examples:
  holdfast reconcile
  holdfast reconcile --hours 720 --json | jq .differenceCount
  holdfast reconcile --void-orphans`,
    )
    .action(async (options: ReconcileCommandOptions) => done(await host.run(context => runReconcile(context, options))))
}
