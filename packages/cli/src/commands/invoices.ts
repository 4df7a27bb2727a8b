/**
 * `holdfast invoices`: what waits for its money, and what money is to be sent back. `holdfast paid REFERENCE`: a line of
 * the bank's statement, booked by hand.
 */
import { Command, InvalidArgumentError } from 'commander'
import { CheckoutError, inGroups, readReference } from 'holdfast'
import { createInvoiceGateway, type Invoice } from 'holdfast/gateways/invoice'
import { recordAdminAction } from 'holdfast/operations'
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

/** The books are in the database, whoever serves the shop. */
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
  context.out(`${rows.length} ${rows.length === 1 ? 'invoice waits for its money' : 'invoices wait for their money'}\n`)
}

function printOwed(context: CommandContext, invoices: readonly Invoice[]): void {
  const rows = invoices.map(({ reference, checkoutId, status, owedMinor, currency }) => [
    inGroups(reference),
    status,
    money(owedMinor, currency),
    cell(checkoutId),
  ])
  if (rows.length > 0) context.out(table(context, ['reference', 'invoice', 'owed', 'checkout'], rows, { right: [2] }))
  context.out(`${rows.length} ${rows.length === 1 ? 'payout is' : 'payouts are'} to be made\n`)
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
    throw new CheckoutError('invalid_argument', `There is no invoice with the reference ${inGroups(reference)}.`)
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
  const owed = owedMinor > 0 ? `; ${money(owedMinor, currency)} to be sent back` : ''
  switch (status) {
    case 'captured':
      return `${paint(context, 'good', 'paid')}${owed}`
    case 'issued':
      return missingMinor > 0
        ? `${money(receivedMinor, currency)} received, ${money(missingMinor, currency)} missing`
        : `${paint(context, 'good', 'paid')}; the order follows in a moment${owed}`
    case 'voided':
    case 'lapsed':
      return `${paint(context, 'warning', `the invoice was ${status === 'voided' ? 'voided' : 'not paid in time'}`)}${owed}`
    default:
      return status satisfies never
  }
}

function typedReference(text: string): string {
  const reference = readReference(text)
  if (reference === null) throw new InvalidArgumentError('It is a reference like RF18 5390 0754 7034; is it mistyped?')
  return reference
}

function typedDay(text: string): Date {
  const time = /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(text) ? new Date(text) : new Date(Number.NaN)
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('It is a day, like 2026-01-31, or an ISO 8601 time.')
  return time
}

function typedCurrency(text: string): string {
  if (!/^[A-Za-z]{3}$/.test(text)) throw new InvalidArgumentError('It is an ISO 4217 code, like EUR.')
  return text.toUpperCase()
}

export function invoicesCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('invoices')
    .description('list the invoices that wait for their money, and the money that is to be sent back')
    .option('--open', 'only those that wait')
    .option('--owed', 'only what is to be sent back')
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExamples:\n  holdfast invoices --open\n  holdfast invoices --json | jq .owed')
    .action(async (options: InvoicesOptions) => done(await host.run(context => runInvoices(context, options))))
}

export function paidCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('paid')
    .description('book a line of the bank’s statement on an invoice; paid in full, its order is paid')
    .argument('<reference>', 'what the buyer wrote on the transfer', typedReference)
    .requiredOption('--amount <amount>', 'the amount, with its decimals')
    .requiredOption('--currency <code>', 'its currency', typedCurrency)
    .requiredOption('--line <id>', 'the bank’s id of the line; it counts once, however often it is booked')
    .option('--booked <day>', 'when the bank booked it (default: now)', typedDay)
    .option('--back', 'the money went back to the buyer')
    .option('--actor <name>', 'who, for the record', systemUser())
    .option('--json', 'print the invoice as JSON')
    .addHelpText(
      'after',
      `
A part is kept, and the invoice waits for the rest. What is too much, or comes for an order that has ended, is owed:
see holdfast invoices --owed.

Examples:
  holdfast paid "RF69 1000 01" --amount 54.80 --currency EUR --line 2026-01-31/17
  holdfast paid RF69100001 --amount 5.00 --currency EUR --line 2026-02-02/3 --back`,
    )
    .action(async (reference: string, options: PaidOptions) =>
      done(await host.run(context => runPaid(context, reference, options))),
    )
}
