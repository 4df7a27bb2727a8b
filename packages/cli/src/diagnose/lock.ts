/** `holdfast diagnose --lock ID`: everything about one checkout, its history, and its next steps. */
import type { Diagnosis } from 'holdfast'
import { phaseToShow, stateName } from 'holdfast'
import { type CheckoutRow, listOperatorActions, type OperatorAction, readRows } from 'holdfast/operations'
import { type CommandContext, writeJson } from '../command.ts'
import { formatDuration, when } from '../terminal/duration.ts'
import { cell, decimal, money, paint, table } from '../terminal/table.ts'
import { type LockFacts, type NextSteps, nextStepsOf } from './next-steps.ts'
import { momentsOf, timelineRows } from './timeline.ts'

export async function diagnoseLock(context: CommandContext, lockId: string, json: boolean): Promise<number> {
  const [found, [row], actions] = await Promise.all([
    context.engine.diagnose(lockId),
    readRows(context.database, [lockId]),
    listOperatorActions(context.database, lockId),
  ])
  if (found === null || row === undefined) {
    context.err(`there is no checkout ${lockId}\n`)
    if (json) writeJson(context, null)
    return 1
  }
  const nextSteps = nextStepsOf(factsOf(found, row))
  if (json) writeJson(context, { ...found, actions, ...nextSteps })
  else print(context, found, row, actions, nextSteps)
  return 0
}

function factsOf({ order, deliveries }: Diagnosis, row: CheckoutRow): LockFacts {
  const ofState = (state: string) => deliveries.filter(delivery => delivery.state === state).length
  const isPaid = order?.status === 'paid' || order?.status === 'partially_refunded'
  return {
    ...row,
    orderNumber: order?.number ?? null,
    isRefundable: isPaid,
    parkedDeliveries: ofState('parked'),
    dueDeliveries: ofState('due'),
  }
}

function print(
  context: CommandContext,
  found: Diagnosis,
  row: CheckoutRow,
  actions: readonly OperatorAction[],
  nextSteps: NextSteps,
): void {
  printFacts(context, found, row)
  printPrices(context, found)
  section(context, 'Stock', found.reservations, [
    ['line', 'line_no'],
    ['sku', 'sku'],
    ['location', 'location'],
    ['quantity', 'quantity', 'right'],
    ['state', 'state'],
  ])
  printPayment(context, found)
  printTimeline(context, found, actions, row.now)
  printEvents(context, found, row.now)
  heading(context, 'What happens next')
  for (const sentence of nextSteps.next) context.out(`${cell(sentence)}\n`)
  for (const { command, does } of nextSteps.commands) {
    context.out(`${paint(context, 'quiet', `to ${does}:`)}\n  ${paint(context, 'strong', cell(command))}\n`)
  }
}

function heading(context: CommandContext, title: string): void {
  context.out(`\n${paint(context, 'strong', title)}\n`)
}

function printFacts(context: CommandContext, { lock, order }: Diagnosis, row: CheckoutRow): void {
  const ended = lock.completedAt ?? lock.failedAt
  const lastedMs = Date.parse(ended ?? row.now) - Date.parse(lock.lockedAt)
  const tone = lock.state === 'completed' ? 'good' : lock.state === 'failed' ? 'bad' : 'warning'
  const phase = phaseToShow(lock.state, lock.failure)
  const state = paint(context, tone, stateName(lock.state))
  const isExpired = ended === null && row.expired
  const facts: [string, string][] = [
    ['lock', lock.id],
    ['state', `${state}${phase === null ? '' : `, ${phase}`}${isExpired ? ', expired' : ''}`],
    ['cart', lock.cartId],
    ['started', `${lock.lockedAt} (${when(lock.lockedAt, row.now)})`],
    ended === null
      ? ['expires', `${lock.expiresAt} (${when(lock.expiresAt, row.now)})`]
      : ['ended', `${ended} (after ${formatDuration(lastedMs)})`],
  ]
  if (lock.failure !== null) facts.push(['failed', cell(`${lock.failure.code}: ${lock.failure.message}`)])
  if (order !== null) {
    const sum = money(order.totalMinor, order.currency)
    const refunded = order.refundedMinor > 0 ? `, ${money(order.refundedMinor, order.currency)} refunded` : ''
    facts.push(['order', cell(`${order.number}, ${order.status}, ${sum}${refunded}`)])
  }
  context.out(table(context, ['', ''], facts, { shrinkFirst: [1] }))
}

const amounts = ['unit', 'subtotal', 'discount', 'tax', 'shipping', 'total'] as const

/** Leaves out amounts that are 0 in every line. */
function printPrices(context: CommandContext, { snapshots }: Diagnosis): void {
  const currency = snapshots[0]?.currency
  if (typeof currency !== 'string') return
  const shown = amounts.filter(name => snapshots.some(snapshot => (snapshot[`${name}_minor`] ?? 0) !== 0))
  const rows = snapshots.map(snapshot => [
    snapshot.line_no === 0 ? 'cart' : cell(snapshot.line_no),
    cell(snapshot.sku),
    cell(snapshot.quantity),
    ...shown.map(name => {
      const value = snapshot[`${name}_minor`]
      return typeof value === 'number' ? decimal(value, currency) : ''
    }),
  ])
  heading(context, `Frozen prices, ${currency}`)
  const head = ['line', 'sku', 'quantity', ...shown]
  context.out(table(context, head, rows, { right: head.map((_, index) => index).filter(index => index > 1) }))
}

function printPayment(context: CommandContext, { operations }: Diagnosis): void {
  const rows = operations.map(operation => ({
    ...operation,
    operation: `${operation.kind}${operation.attempt === 1 ? '' : ` ${operation.attempt}`}`,
    amount:
      typeof operation.amount_minor === 'number' && typeof operation.currency === 'string'
        ? money(operation.amount_minor, operation.currency)
        : '',
  }))
  section(context, 'Payment', rows, [
    ['operation', 'operation'],
    ['status', 'status'],
    ['amount', 'amount', 'right'],
    ['gateway', 'gateway'],
    ['reference', 'reference'],
  ])
}

function printTimeline(
  context: CommandContext,
  found: Diagnosis,
  actions: readonly OperatorAction[],
  now: string,
): void {
  const moments = momentsOf(found, actions)
  const rows = timelineRows(moments, now).map(([since = '', what = '', ...rest], index) => {
    const tone = moments[index]?.tone ?? null
    return [since, tone === null ? what : paint(context, tone, what), ...rest]
  })
  heading(context, 'History')
  context.out(table(context, ['after', 'what', 'took', 'phase, note'], rows, { right: [0, 2], shrinkFirst: [3] }))
}

function printEvents(context: CommandContext, { deliveries }: Diagnosis, now: string): void {
  const tones = { delivered: 'good', parked: 'bad', due: 'warning' } as const
  const rows = deliveries.map(({ state, delivered_at, next_at, ...delivery }) => ({
    ...delivery,
    state: paint(context, tones[state as keyof typeof tones] ?? 'quiet', cell(state)),
    when:
      typeof delivered_at === 'string'
        ? when(delivered_at, now)
        : state === 'due' && typeof next_at === 'string'
          ? when(next_at, now)
          : '',
  }))
  section(context, 'Events', rows, [
    ['type', 'type'],
    ['listener', 'listener'],
    ['state', 'state', 'painted'],
    ['when', 'when'],
    ['tries', 'attempts', 'right'],
    ['last error', 'last_error'],
  ])
}

type Column = readonly [name: string, key: string, how?: 'right' | 'painted']

/** A table under a title, without empty columns. Prints nothing if there are no rows. */
function section(
  context: CommandContext,
  title: string,
  rows: readonly Record<string, unknown>[],
  columns: readonly Column[],
): void {
  if (rows.length === 0) return
  const shown = columns.filter(([, key]) => rows.some(row => (row[key] ?? '') !== ''))
  const cells = rows.map(row => shown.map(([, key, how]) => (how === 'painted' ? String(row[key]) : cell(row[key]))))
  const right = shown.flatMap(([, , how], index) => (how === 'right' ? [index] : []))
  heading(context, title)
  context.out(
    table(
      context,
      shown.map(([name]) => name),
      cells,
      { right },
    ),
  )
}
