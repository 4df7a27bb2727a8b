/** `holdfast invoices`: unpaid invoices and payouts due. `holdfast paid REFERENCE`: books a line of the bank statement. */
import { Command, InvalidArgumentError } from 'commander'
import { CheckoutError, inGroups, readReference } from 'holdfast'
import { createInvoiceGateway, type Invoice } from 'holdfast/gateways/invoice'
import { plural, recordAdminAction } from 'holdfast/operations'
import { type CommandContext, type CommandHost, systemUser, writeJson } from '../command.ts'
import { cell, money, paint, table } from '../terminal/table.ts'
import { amountOf } from './refund.ts'

export interface InvoicesOptions {
  open?: boolean
  owed?: boolean
  json?: boolean
}

export interface PaidOptions {
  /** In its currency, with all its decimals: "12.50". */
  amount: string
  currency: string
  line: string
  booked?: Date
  back?: boolean
  actor?: string
  json?: boolean
}

/** The invoices are in the database, so no running server is needed. */
const booksOf = ({ database, engine }: CommandContext) =>
  createInvoiceGateway({ database, onPaid: checkoutId => engine.captureCheckout(checkoutId) })

const day = (time: string) => time.slice(0, 10)

export async function runInvoices(context: CommandContext, options: InvoicesOptions = {}): Promise<number> {
  const books = booksOf(context)
  const isAll = !options.open && !options.owed
  const open = isAll || options.open ? await books.openInvoices() : null
  const owed = isAll || options.owed ? await books.payoutsDue() : null
  if (options.json) writeJson(context, { ...(open === null ? {} : { open }), ...(owed === null ? {} : { owed }) })
  else {
    if (open !== null) printOpen(context, open)
    if (open !== null && owed !== null) context.out('\n')
    if (owed !== null) printOwed(context, owed)
  }
  return 0
}

function printOpen(context: CommandContext, invoices: readonly Invoice[]): void {
  const now = Date.now()
  const rows = invoices.map(({ reference, checkoutId, issuedAt, dueAt, amountMinor, missingMinor, currency }) => [
    inGroups(reference),
    day(issuedAt),
    Date.parse(dueAt) <= now ? paint(context, 'warning', day(dueAt)) : day(dueAt),
    money(amountMinor, currency),
    money(missingMinor, currency),
    cell(checkoutId),
  ])
  const head = ['reference', 'issued', 'due', 'amount', 'missing', 'checkout']
  if (rows.length > 0) context.out(table(context, head, rows, { right: [3, 4] }))
  context.out(`${plural(rows.length, 'unpaid invoice')}\n`)
}

function printOwed(context: CommandContext, invoices: readonly Invoice[]): void {
  const rows = invoices.map(({ reference, checkoutId, status, owedMinor, currency }) => [
    inGroups(reference),
    status,
    money(owedMinor, currency),
    cell(checkoutId),
  ])
  if (rows.length > 0) context.out(table(context, ['reference', 'invoice', 'owed', 'checkout'], rows, { right: [2] }))
  context.out(`${plural(rows.length, 'payout')} due\n`)
}

export async function runPaid(context: CommandContext, reference: string, options: PaidOptions): Promise<number> {
  const { amount, currency, line: statementLineId, booked, back = false, actor = 'command line' } = options
  const amountMinor = amountOf(amount, currency)
  const books = booksOf(context)
  const line = {
    ...{ amountMinor, currency, statementLineId, actor },
    ...(booked === undefined ? {} : { bookedAt: booked }),
  }
  const before = await books.invoice(reference)
  if (before === null) {
    throw new CheckoutError('invalid_argument', `There is no invoice with reference ${inGroups(reference)}.`)
  }
  const details = { reference, amountMinor, currency, statementLineId }
  const action = back ? 'paid_back' : 'paid'
  await recordAdminAction(context.database, { action, checkoutId: before.checkoutId, actor, details })
  const invoice = await (back ? books.markPaidBack(reference, line) : books.markPaid(reference, line))
  if (options.json) writeJson(context, invoice)
  else context.out(`${inGroups(reference)}  ${sentence(context, invoice)}\n`)
  return 0
}

function sentence(context: CommandContext, invoice: Invoice): string {
  const { status, missingMinor, owedMinor, receivedMinor, currency } = invoice
  const owed = owedMinor > 0 ? `; ${money(owedMinor, currency)} to return to the buyer` : ''
  switch (status) {
    case 'captured':
      return `${paint(context, 'good', 'paid')}${owed}`
    case 'issued':
      return missingMinor > 0
        ? `${money(receivedMinor, currency)} received, ${money(missingMinor, currency)} missing`
        : `${paint(context, 'good', 'paid')}; the order will be captured in a moment${owed}`
    case 'voided':
    case 'lapsed':
      return `${paint(context, 'warning', `the invoice was ${status === 'voided' ? 'voided' : 'not paid in time'}`)}${owed}`
    default:
      return status satisfies never
  }
}

function typedReference(text: string): string {
  const reference = readReference(text)
  if (reference === null)
    throw new InvalidArgumentError('Expected a reference like RF18 5390 0754 7034. Check it for a typing error.')
  return reference
}

function typedDay(text: string): Date {
  const time = /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(text) ? new Date(text) : new Date(Number.NaN)
  if (Number.isNaN(time.getTime()))
    throw new InvalidArgumentError('Expected a day, like 2026-01-31, or an ISO 8601 time.')
  return time
}

function typedCurrency(text: string): string {
  if (!/^[A-Za-z]{3}$/.test(text)) throw new InvalidArgumentError('Expected an ISO 4217 code, like EUR.')
  return text.toUpperCase()
}

export function invoicesCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('invoices')
    .description('List unpaid invoices and payouts due')
    .option('--open', 'Show only unpaid invoices')
    .option('--owed', 'Show only payouts due')
    .option('--json', 'Print JSON')
    .addHelpText('after', '\nExamples:\n  holdfast invoices --open\n  holdfast invoices --json | jq .owed')
    .action(async (options: InvoicesOptions) => done(await host.run(context => runInvoices(context, options))))
}

export function paidCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('paid')
    .description('Book a line of the bank statement on an invoice')
    .argument('<reference>', 'Reference that the buyer wrote on the transfer', typedReference)
    .requiredOption('--amount <amount>', 'Amount, with all decimals')
    .requiredOption('--currency <code>', 'Currency of the amount', typedCurrency)
    .requiredOption('--line <id>', 'The bank’s ID of the statement line; each line counts once')
    .option('--booked <day>', 'Day on which the bank booked it (default: now)', typedDay)
    .option('--back', 'The money was returned to the buyer')
    .option('--actor <name>', 'Name to record as the actor', systemUser())
    .option('--json', 'Print the invoice as JSON')
    .addHelpText(
      'after',
      `
A fully paid invoice captures its order. A partial payment is kept until the rest arrives.
Money that was paid in excess, or for an order that has ended, becomes a payout due: see "holdfast invoices --owed".

Examples:
  holdfast paid "RF69 1000 01" --amount 54.80 --currency EUR --line 2026-01-31/17
  holdfast paid RF69100001 --amount 5.00 --currency EUR --line 2026-02-02/3 --back`,
    )
    .action(async (reference: string, options: PaidOptions) =>
      done(await host.run(context => runPaid(context, reference, options))),
    )
}
