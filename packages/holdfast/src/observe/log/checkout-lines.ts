/**
 * The log lines about a checkout, built from the state changes of each committed transaction. Each change is logged once,
 * after its commit, whether a request, a recovery, an expiry or a cancellation made it.
 */

import type { Move, Moved } from '../../database/checkout-moves.ts'
import type { CheckoutRow, PathStep } from '../../database/checkout-row.ts'
import type { Failure } from '../../domain/failure.ts'
import { type PhaseName, phaseOf } from '../../domain/states.ts'
import type { LogLevel } from './levels.ts'
import type { CheckoutLog } from './log.ts'

export interface MoveLogOptions {
  log: Required<CheckoutLog>
  /** A line for every completed phase. */
  allPhases: boolean
  /** Lines about checkouts that failed, expired or were cancelled. */
  failures: boolean
  /** Lines about steps that were rolled back. */
  rollbacks: boolean
}

interface Line {
  level: Exclude<LogLevel, 'debug'>
  message: string
  fields?: Record<string, unknown> | undefined
  /** Set on lines that a setting can switch off. */
  topic?: 'phase' | 'failure' | 'rollback'
}

/** Returns a subscriber to committed state changes that writes their lines. */
export function createCheckoutLines({ log, allPhases, failures, rollbacks }: MoveLogOptions): (moved: Moved) => void {
  const isOn = { phase: allPhases, failure: failures, rollback: rollbacks }

  return ({ moves }) => {
    const isTerse = !log.wants('info')
    if (isTerse && !log.wants('warn')) return
    for (const move of moves) {
      if (isTerse && !mayWarn(move)) continue
      const { id: lockId, cart_id: cartId } = move.row
      for (const { level, message, fields, topic } of linesOf(move)) {
        if (isTerse && level === 'info') continue
        if (topic === undefined || isOn[topic]) log[level](message, { lockId, cartId, ...fields })
      }
    }
  }
}

/** False for changes that log at level info only, so that a log at level warn skips them without building lines. */
function mayWarn({ path, row }: Move): boolean {
  return row.state === 'failed' || path.some(step => step.details !== undefined)
}

function* linesOf(move: Move): Generator<Line> {
  const { from, path, row } = move
  let before: PathStep | null = from === null ? null : { to: from }
  for (const [index, step] of path.entries()) {
    if (before !== null) yield* phaseLine(before, step)
    // The phase in which a checkout failed changed nothing.
    if (path[index + 1]?.to !== 'failed' || step.to === 'rolling_back') yield* stepLines(row, step)
    before = step
  }
}

function* phaseLine(step: PathStep, next: PathStep): Generator<Line> {
  const phase = phaseOf(step.to)
  const isCompleted = phase !== null && phase !== phaseOf(next.to) && next.to !== 'failed' && next.to !== 'rolling_back'
  if (!isCompleted) return
  const ms = step.durationUs === undefined ? next.facts?.sinceMs : Math.round(step.durationUs) / 1000
  yield { level: 'info', topic: 'phase', message: '[Checkout] phase completed', fields: { phase, durationMs: ms } }
}

function* stepLines(row: CheckoutRow, { to, facts, details }: PathStep): Generator<Line> {
  const info = (message: string, fields?: Record<string, unknown>): Line => ({ level: 'info', message, fields })
  const money = { amountMinor: row.total_minor, currency: row.currency }
  switch (to) {
    case 'pending':
      yield info('[Checkout] started', { expiresAt: row.expires_at })
      return
    case 'reserving':
      // Stock that is held from the start was logged at the start.
      if (facts?.units !== undefined) yield info('[Checkout] stock held', { units: facts.units })
      return
    case 'locking_prices':
      yield info('[Checkout] price locked', money)
      return
    case 'awaiting_action':
      yield info('[Checkout] waiting for the buyer', { action: row.action?.type })
      return
    case 'creating_order':
      yield info('[Checkout] payment authorized', { ...money, reference: facts?.reference })
      yield info('[Checkout] order created', { orderId: facts?.orderId })
      if (details?.priceDrift !== undefined) {
        const message = '[Checkout] price drift: frozen prices apply'
        yield { level: 'warn', message, fields: { orderId: facts?.orderId, drift: details.priceDrift } }
      }
      return
    case 'awaiting_capture':
      yield info('[Checkout] waiting for capture', { until: row.authorization_valid_until })
      return
    case 'committing': {
      const order = { orderId: facts?.orderId, orderNumber: facts?.orderNumber }
      yield info('[Checkout] payment captured', { ...money, reference: facts?.reference, ...order })
      yield info('[Checkout] stock committed', { units: facts?.units, ...order })
      yield info('[Checkout] completed', { ...money, durationMs: lifetimeMs(row, row.completed_at), ...order })
      return
    }
    case 'rolling_back': {
      const { code, phase } = row.failure ?? {}
      yield { level: 'info', topic: 'rollback', message: '[Checkout] rolling back', fields: { phase, code } }
      return
    }
    case 'failed':
      yield* undoneLines((details?.undone ?? []) as PhaseName[], facts)
      yield* failureLines(row)
      return
    case 'validating':
    case 'authorizing':
    case 'capturing':
    case 'completed':
      return
    default:
      to satisfies never
  }
}

/** In the order of the rollback. */
function* undoneLines(undone: readonly PhaseName[], facts: PathStep['facts']): Generator<Line> {
  for (const phase of undone) {
    const isPayment = phase === 'payment_authorization'
    if (isPayment && facts?.payment !== undefined) {
      yield { level: 'info', message: `[Checkout] payment ${facts.payment}`, fields: { reference: facts.reference } }
    }
    yield { level: 'info', topic: 'rollback', message: '[Checkout] rollback step', fields: { phase } }
  }
  if (facts?.isReleased === true) yield { level: 'info', message: '[Checkout] stock released' }
}

function* failureLines(row: CheckoutRow): Generator<Line> {
  const { phase, code, message, context = {} } = row.failure ?? ({} as Partial<Failure>)
  if (code === 'insufficient_stock') {
    const { sku, requested, available } = context
    yield { level: 'info', message: '[Checkout] stock short', fields: { sku, requested, available } }
  }
  if (code === 'payment_declined') {
    yield { level: 'info', message: '[Checkout] payment declined', fields: { reason: context.reason } }
  }
  const ending = endingOf[code ?? ''] ?? 'failed'
  const fields = { phase, code, reason: context.reason, message, durationMs: lifetimeMs(row, row.failed_at) }
  yield { level: ending === 'failed' ? 'warn' : 'info', topic: 'failure', message: `[Checkout] ${ending}`, fields }
}

const endingOf: Readonly<Record<string, string>> = {
  checkout_expired: 'expired',
  checkout_cancelled: 'cancelled',
  checkout_released: 'cancelled',
}

/** From the start to `end`, by the database's clock. */
function lifetimeMs(row: CheckoutRow, end: string | null): number | undefined {
  return end === null ? undefined : Math.max(0, Date.parse(end) - Date.parse(row.locked_at))
}
