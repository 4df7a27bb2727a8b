/** `holdfast audit`: checks every invariant, prints each with its violations, and ends with "0 violations" or how many. */
import { Command } from 'commander'
import type { AuditReport } from 'holdfast'
import { audit } from 'holdfast/operations'
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
  context.out(table(context, ['', 'must hold', 'violations'], rows, { right: [2], widths: { 1: 72 } }))
  for (const { invariant, examples, violations } of report.findings) {
    for (const example of examples) context.out(`${paint(context, 'bad', invariant)}  ${cell(example)}\n`)
    if (violations > examples.length) context.out(`${invariant}  … and ${violations - examples.length} more\n`)
  }
  context.out(`${report.checkouts} checkouts looked at\n`)
  context.out(`${report.violations} ${report.violations === 1 ? 'violation' : 'violations'}\n`)
}

export function auditCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('audit')
    .description('check money against orders against stock against history, and against the gateway’s ledger')
    .option('--drained', 'nothing is in flight any more: check that too')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Exit code 0 without violations, 1 with any. It only reads and may run beside live checkouts.

Examples:
  holdfast audit
  holdfast audit --drained --json | jq .violations`,
    )
    .action(async (options: AuditCommandOptions) => done(await host.run(context => runAudit(context, options))))
}
