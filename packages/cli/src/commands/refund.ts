/** `holdfast refund ORDER`: refunds an amount, lines, or the rest of an order. */
import { Command, InvalidArgumentError } from 'commander'
import type { Order, RefundOutcome } from 'holdfast'
import { CheckoutError, currencyDecimals, parseDecimal } from 'holdfast'
import type { RefundedLine } from 'holdfast/operations'
import { findOrder } from 'holdfast/shop'
import { validate as isUuid } from 'uuid'
import { type CommandContext, type CommandHost, systemUser, writeJson } from '../command.ts'
import { cell, money, paint } from '../terminal/table.ts'

interface Units {
  sku: string
  quantity: number
}

export interface RefundCommandOptions {
  /** In the order's currency, with all its decimals: "12.50". */
  amount?: string
  line?: Units[]
  shipping?: boolean
  restock?: boolean
  reason?: string
  key?: string
  actor?: string
  json?: boolean
}

function orderName(text: string): string {
  if (isUuid(text)) return text.toLowerCase()
  if (text.trim() === '' || text.length > 255) {
    throw new InvalidArgumentError('Expected an order number, an order ID, or a checkout lock ID.')
  }
  return text
}

function unitsOf(text: string, earlier: Units[] = []): Units[] {
  const [, sku, quantity] = /^(.+)=([1-9]\d{0,3})$/.exec(text) ?? []
  if (sku === undefined) throw new InvalidArgumentError('Expected a SKU and a number of units, like CUP-BLUE=2.')
  return [...earlier, { sku, quantity: Number(quantity) }]
}

/** Requires all decimals, so minor units cannot be mistaken for an amount. */
export function amountOf(text: string, currency: string): number {
  const decimals = currencyDecimals(currency)
  const amountMinor = parseDecimal(text, currency)
  if (amountMinor !== null && (text.split('.')[1] ?? '').length === decimals) return amountMinor
  const example = (12.5).toFixed(decimals)
  throw new CheckoutError(
    'invalid_argument',
    `Invalid amount "${text}". Expected an amount in ${currency} with all its decimals, like ${example}.`,
  )
}

export async function runRefund(
  context: CommandContext,
  name: string,
  options: RefundCommandOptions = {},
): Promise<number> {
  const { amount, line: lines, shipping, restock, reason, key, actor = 'command line', json } = options
  const order = await findOrder(context.database, name)
  if (order === null) {
    context.err(`there is no order ${name}\n`)
    return 1
  }
  try {
    const outcome = await context.engine.refundOrder(order.id, {
      ...(amount === undefined ? {} : { amountMinor: amountOf(amount, order.currency) }),
      ...(lines === undefined ? {} : { lines }),
      ...(shipping === undefined ? {} : { shipping }),
      ...(restock === undefined ? {} : { restock }),
      ...(reason === undefined ? {} : { reason }),
      ...(key === undefined ? {} : { key }),
      actor,
    })
    if (json) writeJson(context, outcome)
    else context.out(`${sentence(context, outcome)}\n`)
    return outcome.status === 'refunded' ? 0 : 1
  } catch (error) {
    if (!(error instanceof CheckoutError) || error.code !== 'not_refundable') throw error
    if (json)
      writeJson(context, { status: 'refused', code: error.code, message: error.message, context: error.context })
    context.err(`${error.message}${json ? '' : refundableRest(error.context)}\n`)
    return 1
  }
}

function listed(lines: readonly Units[], more: readonly string[]): string {
  return [...lines.map(({ sku, quantity }) => `${quantity} × ${cell(sku)}`), ...more].join(', ')
}

function sentence(context: CommandContext, { status, order, refundedMinor, lines, message }: RefundOutcome): string {
  if (status === 'failed') return `order ${order.number}: ${message}`
  const amount = money(refundedMinor, order.currency)
  if (status === 'processing') return `order ${order.number}: refund of ${amount} is not settled yet. ${message}`
  const units = lines.length === 0 ? '' : ` (${listed(lines, [])})`
  const done = paint(context, 'good', `${amount} refunded`)
  return `order ${order.number}: ${done}${units}; ${stateOf(order)}`
}

function stateOf({ status, totalMinor, refundedMinor, currency }: Order): string {
  if (status === 'refunded') return 'fully refunded'
  return `${money(totalMinor - refundedMinor, currency)} of ${money(totalMinor, currency)} remain`
}

/** The refundable rest, from the context of a refusal. */
function refundableRest(context: Record<string, unknown>): string {
  const { refundable, currency, lines, shipping } = context as {
    refundable?: number
    currency: string
    lines: RefundedLine[]
    shipping: number
  }
  if (refundable === undefined) return ''
  const more = shipping > 0 ? [`shipping ${money(shipping, currency)}`] : []
  const units = listed(lines, more)
  return `\nrefundable: ${money(refundable, currency)}${units === '' ? '' : ` (${units})`}`
}

export function refundCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('refund')
    .description('Refund an order: an amount, lines, or all of it')
    .argument('<order>', 'Order number, order ID, or checkout lock ID', orderName)
    .option('--amount <amount>', 'Amount in the order’s currency, with all decimals: 12.50')
    .option('--line <sku=quantity>', 'Units of a line to refund; repeatable', unitsOf)
    .option('--shipping', 'Also refund the shipping cost')
    .option('--restock', 'Return the units to the stock of their locations')
    .option('--reason <text>', 'Reason to record')
    .option('--key <key>', 'Idempotency key: a repeated refund with this key returns the first result')
    .option('--actor <name>', 'Name to record as the actor', systemUser())
    .option('--json', 'Print the result as JSON')
    .addHelpText(
      'after',
      `
Without a key, each call is a new refund. --amount with --line or --shipping replaces their price.
Exit codes: 0: refunded, 1: refused, or not settled yet (repeat the command with the same --key).

Examples:
  holdfast refund 100001
  holdfast refund 100001 --amount 12.50 --reason "arrived late"
  holdfast refund 100001 --line CUP-BLUE=2 --shipping --restock --key return-17`,
    )
    .action(async (name: string, options: RefundCommandOptions) =>
      done(await host.run(context => runRefund(context, name, options))),
    )
}
