/** `holdfast refund ORDER`: gives money back by hand, for an amount, for lines, or for all that is left of an order. */
import { Command, InvalidArgumentError } from 'commander'
import type { Order, RefundOutcome } from 'holdfast'
import { CheckoutError, currencyDecimals, parseDecimal } from 'holdfast'
import type { RefundedLine } from 'holdfast/operations'
import { findOrder } from 'holdfast/shop'
import { type CommandContext, type CommandHost, systemUser, uuid, writeJson } from '../command.ts'
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
  if (uuid.test(text)) return text.toLowerCase()
  if (text.trim() === '' || text.length > 255) {
    throw new InvalidArgumentError('Expected an order number, an order ID, or a checkout lock ID.')
  }
  return text
}

function unitsOf(text: string, earlier: Units[] = []): Units[] {
  const [, sku, quantity] = /^(.+)=([1-9]\d{0,3})$/.exec(text) ?? []
  if (sku === undefined) throw new InvalidArgumentError('It is a SKU and a number of units, like CUP-BLUE=2.')
  return [...earlier, { sku, quantity: Number(quantity) }]
}

/** All decimals are asked for, so that nobody takes minor units for an amount or the other way round. */
export function amountOf(text: string, currency: string): number {
  const decimals = currencyDecimals(currency)
  const amountMinor = parseDecimal(text, currency)
  if (amountMinor !== null && (text.split('.')[1] ?? '').length === decimals) return amountMinor
  const example = (12.5).toFixed(decimals)
  throw new CheckoutError('invalid_argument', `--amount is in ${currency}, with its decimals: ${example}.`)
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
    context.err(`${error.message}${json ? '' : whatIsLeft(error.context)}\n`)
    return 1
  }
}

function listed(lines: readonly Units[], more: readonly string[]): string {
  return [...lines.map(({ sku, quantity }) => `${quantity} × ${cell(sku)}`), ...more].join(', ')
}

function sentence(context: CommandContext, { status, order, refundedMinor, lines, message }: RefundOutcome): string {
  if (status === 'failed') return `order ${order.number}: ${message}`
  const amount = money(refundedMinor, order.currency)
  if (status === 'processing') return `order ${order.number}: ${amount} not settled yet. ${message}`
  const units = lines.length === 0 ? '' : ` (${listed(lines, [])})`
  const done = paint(context, 'good', `${amount} refunded`)
  return `order ${order.number}: ${done}${units}; ${stateOf(order)}`
}

function stateOf({ status, totalMinor, refundedMinor, currency }: Order): string {
  if (status === 'refunded') return 'nothing is left of it'
  return `${money(totalMinor - refundedMinor, currency)} of ${money(totalMinor, currency)} are left`
}

/** What a refusal says of the order, for people. */
function whatIsLeft(context: Record<string, unknown>): string {
  const { refundable, currency, lines, shipping } = context as {
    refundable?: number
    currency: string
    lines: RefundedLine[]
    shipping: number
  }
  if (refundable === undefined) return ''
  const more = shipping > 0 ? [`shipping ${money(shipping, currency)}`] : []
  const units = listed(lines, more)
  return `\ncan be refunded: ${money(refundable, currency)}${units === '' ? '' : ` (${units})`}`
}

export function refundCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('refund')
    .description('give money back: an amount, lines of the order, or all that is left of it')
    .argument('<order>', 'number or id of the order, or id of its checkout lock', orderName)
    .option('--amount <amount>', 'in the order’s currency, with its decimals: 12.50')
    .option('--line <sku=quantity>', 'units of a line; may be given several times', unitsOf)
    .option('--shipping', 'also what shipping cost')
    .option('--restock', 'put the units back in the warehouses they came from')
    .option('--reason <text>', 'why, for the record')
    .option('--key <key>', 'a name for this refund: the same one again is the same refund')
    .option('--actor <name>', 'who, for the record', systemUser())
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      `
Exit code 0 when it is refunded, 1 when it is refused or not settled yet: ask again with the same --key. Without a key
each call is a new refund. With --amount beside lines or shipping that much is given back instead of what they cost.

Examples:
  holdfast refund 100001
  holdfast refund 100001 --amount 12.50 --reason "arrived late"
  holdfast refund 100001 --line CUP-BLUE=2 --shipping --restock --key return-17`,
    )
    .action(async (name: string, options: RefundCommandOptions) =>
      done(await host.run(context => runRefund(context, name, options))),
    )
}
