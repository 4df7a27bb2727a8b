/** `holdfast import FILE.csv`: imports Shopify's product CSV into the catalog. Importing the same file again changes nothing. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { plural } from 'holdfast/operations'
import { type ImportReport, importProducts } from 'holdfast/shop'
import { type CommandContext, type CommandHost, writeJson } from '../command.ts'
import { cell, paint, table } from '../terminal/table.ts'

export interface ImportCommandOptions {
  currency?: string
  location?: string
  json?: boolean
}

const problemsShown = 50

export async function runImport(
  context: CommandContext,
  file: string,
  options: ImportCommandOptions = {},
): Promise<number> {
  const { isTty } = context
  const report = await importProducts(context.database, resolve(context.directory, file), {
    currency: options.currency ?? context.config.currency,
    ...(options.location === undefined ? {} : { location: options.location }),
    onProgress({ products, variants }) {
      if (isTty) context.err(`\r${plural(products, 'product')}, ${plural(variants, 'variant')} …`)
    },
  })
  if (isTty) context.err('\r\u001b[K')
  if (options.json) writeJson(context, report)
  else print(context, report)
  return report.problemsTotal === 0 ? 0 : 1
}

function print(context: CommandContext, report: ImportReport): void {
  const kinds = ['products', 'variants', 'prices', 'stock'] as const
  const changes = Object.keys(report.products) as (keyof ImportReport['products'])[]
  const rows = kinds.map(kind => [kind, ...changes.map(change => String(report[kind][change]))])
  context.out(table(context, ['', ...changes], rows, { right: changes.map((_, index) => index + 1) }))
  const { problems, problemsTotal, currency, location } = report
  context.out(`prices in ${currency}, stock at ${cell(location)}\n`)
  if (problemsTotal === 0) return
  const shown = problems.slice(0, problemsShown)
  context.out(
    table(
      context,
      ['line', 'not imported'],
      shown.map(problem => [String(problem.line), cell(problem.message)]),
      { right: [0], widths: { 1: 90 } },
    ),
  )
  if (problemsTotal > shown.length) context.out(`… and ${problemsTotal - shown.length} more\n`)
  context.out(`${paint(context, 'warning', plural(problemsTotal, 'problem'))}\n`)
}

export function importCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('import')
    .description('Import products, variants, prices, and stock from Shopify’s product CSV')
    .argument('<file>', 'CSV file')
    .option('--currency <code>', 'Currency of the prices, ISO 4217 (default: CHECKOUT_CURRENCY)', text =>
      text.toUpperCase(),
    )
    .option('--location <code>', 'Location that receives the stock (default: the first one)')
    .option('--json', 'Print the report as JSON')
    .addHelpText(
      'after',
      `
Rows with problems are listed and skipped; all other rows are imported.
Exit codes: 0: all rows are imported, 1: a row was skipped.

Examples:
  holdfast import products.csv
  holdfast import products.csv --currency EUR --location berlin`,
    )
    .action(async (file: string, options: ImportCommandOptions) =>
      done(await host.run(context => runImport(context, file, options))),
    )
}
