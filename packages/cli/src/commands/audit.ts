/** `holdfast audit`: checks every invariant and counts the violations of each. */
import { Command } from 'commander'
import type { AuditReport } from 'holdfast'
import { audit, plural } from 'holdfast/operations'
import { type CommandContext, type CommandHost, writeJson } from '../command.ts'
import { cell, paint, table } from '../terminal/table.ts'

export interface AuditCommandOptions {
  drained?: boolean
  json?: boolean
}

export async function runAudit(context: CommandContext, options: AuditCommandOptions = {}): Promise<number> {
  const { database, config } = context
  const report = await audit(database, {
    ledger: config.gateway === 'sandbox' ? 'sandbox' : undefined,
    drained: options.drained,
  })
  if (options.json) writeJson(context, report)
  else print(context, report)
  return report.violations === 0 ? 0 : 1
}

function print(context: CommandContext, report: AuditReport): void {
  const rows = report.findings.map(({ invariant, title, violations }) => [
    invariant,
    title,
    paint(context, violations === 0 ? 'good' : 'bad', String(violations)),
  ])
  context.out(table(context, ['', 'invariant', 'violations'], rows, { right: [2], widths: { 1: 72 } }))
  for (const { invariant, examples, violations } of report.findings) {
    for (const example of examples) context.out(`${paint(context, 'bad', invariant)}  ${cell(example)}\n`)
    if (violations > examples.length) context.out(`${invariant}  … and ${violations - examples.length} more\n`)
  }
  context.out(`${plural(report.checkouts, 'checkout')} checked\n`)
  context.out(`${plural(report.violations, 'violation')}\n`)
}

export function auditCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('audit')
    .description('Check the invariants of payments, orders, stock, and history')
    .option('--drained', 'Also check that nothing is in progress')
    .option('--json', 'Print the report as JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0: no violations, 1: at least one violation.
The audit only reads, and may run while buyers check out. With the sandbox it also compares the gateway's ledger.

Examples:
  holdfast audit
  holdfast audit --drained --json | jq .violations`,
    )
    .action(async (options: AuditCommandOptions) => done(await host.run(context => runAudit(context, options))))
}
