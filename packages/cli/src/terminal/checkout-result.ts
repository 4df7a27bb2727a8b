/** One line about the result of a checkout, for commands that change one. */
import type { Outcome } from 'holdfast'
import { stateName } from 'holdfast'
import type { CommandContext } from '../command.ts'
import { money, paint } from './table.ts'

export function printOutcome(context: CommandContext, outcome: Outcome): void {
  context.out(`${outcome.lock.id}  ${stateName(outcome.lock.state)}: ${sentence(context, outcome)}\n`)
}

function sentence(context: CommandContext, outcome: Outcome): string {
  switch (outcome.status) {
    case 'completed':
    case 'awaiting_capture': {
      const { number, status, totalMinor, currency } = outcome.order
      return paint(context, 'good', `order ${number}, ${status}, ${money(totalMinor, currency)}`)
    }
    case 'action_required':
      return outcome.action.type === 'redirect'
        ? `the buyer must approve the payment at ${outcome.action.url}`
        : `the buyer must confirm payment ${outcome.action.payment} in the browser`
    case 'processing':
      return `the payment is not settled yet; check again in ${Math.ceil(outcome.pollAfterMs / 1_000)} s`
    case 'failed':
      return `${outcome.failure.code}: ${outcome.failure.message}`
    default:
      return outcome satisfies never
  }
}
