/** What happens next with one checkout: when it is processed again, and what buyer and shop can do. Pure. */
import { isFinal } from 'holdfast'
import type { CheckoutRow } from 'holdfast/operations'
import { plural, triesBeforeAlert } from 'holdfast/operations'
import { formatDuration, when } from '../terminal/duration.ts'

export type LockFacts = Pick<
  CheckoutRow,
  | 'id'
  | 'state'
  | 'now'
  | 'expired'
  | 'expires_at'
  | 'wake_at'
  | 'awake'
  | 'tries'
  | 'lease_owner'
  | 'action'
  | 'gateway'
  | 'authorization_valid_until'
> & {
  /** Number of its order, if it has one. */
  orderNumber: string | null
  /** Part of the order can still be refunded. */
  isRefundable: boolean
  parkedDeliveries: number
  dueDeliveries: number
}

export interface NextSteps {
  /** Sentences. */
  next: string[]
  /** `does` completes the sentence "to …". */
  commands: { command: string; does: string }[]
}

/** When the checkout is processed again. */
function nextTry({ now, wake_at, awake, tries, lease_owner }: LockFacts): string[] {
  if (wake_at === null) return []
  if (lease_owner !== null && !awake) {
    return [`A process is working on it. If that process dies, another takes over ${when(wake_at, now)}.`]
  }
  const attempt = tries === 0 ? '' : `, for the ${tries + 1}${ordinal(tries + 1)} time`
  return [
    awake
      ? `It has been due for ${formatDuration(Date.parse(now) - Date.parse(wake_at))}; any server or worker picks it up${attempt}. Check that one is running.`
      : `A server or worker processes it ${when(wake_at, now)}${attempt}.`,
  ]
}

function ordinal(number: number): string {
  const isTeen = number % 100 > 10 && number % 100 < 14
  return isTeen ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[number % 10] ?? 'th')
}

/** Next steps and commands by state. */
function ofState(facts: LockFacts): NextSteps {
  const { id, state, now, expired, expires_at, action, gateway, authorization_valid_until: validUntil } = facts
  const retry = { command: `holdfast retry ${id}`, does: 'query the gateway now' }
  const release = { command: `holdfast release ${id}`, does: 'end the checkout and roll it back' }
  switch (state) {
    case 'pending':
      return expired
        ? {
            next: ['It has expired and will be ended automatically. The cart is already free for a new checkout.'],
            commands: [{ command: 'holdfast cleanup', does: 'end all expired checkouts now' }],
          }
        : {
            next: [`The buyer may pay; nothing has been charged yet. It expires ${when(expires_at, now)}.`],
            commands: [release],
          }
    case 'authorizing':
      return {
        next: [
          'The outcome of the payment is not known yet. The buyer may wait or submit the payment again, and is charged once.',
        ],
        commands: [retry, release],
      }
    case 'awaiting_action':
      return {
        next: [
          ...(action?.type === 'redirect'
            ? ['The buyer must approve the payment:', action.url]
            : ['The buyer must confirm the payment in the browser.']),
          expired ? 'It has expired and will be rolled back.' : `Otherwise it is rolled back ${when(expires_at, now)}.`,
        ],
        commands: [retry, release],
      }
    case 'awaiting_capture': {
      const end =
        validUntil === null
          ? ''
          : ` The deadline is ${validUntil} (${when(validUntil, now)}); after that the order is cancelled.`
      return {
        next: [
          gateway === 'invoice'
            ? `The order is waiting for the buyer’s bank transfer.${end}`
            : `The payment is authorized, and the order is waiting for its capture.${end}`,
        ],
        commands: [
          gateway === 'invoice'
            ? {
                command: 'holdfast invoices --open',
                does: 'see the reference for "holdfast paid"',
              }
            : { command: `holdfast capture ${id}`, does: 'capture the payment' },
          release,
        ],
      }
    }
    case 'capturing':
      return {
        next: [
          'The capture has been decided. It is retried until the gateway gives a final answer; if the gateway refuses, the order is cancelled.',
        ],
        commands: [retry],
      }
    case 'rolling_back':
      return {
        next: ['It is being rolled back. The void of the payment is retried until the gateway confirms it.'],
        commands: [
          retry,
          ...(facts.tries < triesBeforeAlert
            ? []
            : [{ command: 'holdfast reconcile', does: 'compare with the gateway’s records' }]),
        ],
      }
    case 'completed':
      return {
        next: facts.wake_at === null ? ['It is completed.'] : ['A refund is not settled yet.'],
        commands: [],
      }
    case 'failed':
      return {
        next: [
          facts.wake_at === null
            ? 'It has ended. The buyer may check out the cart again.'
            : 'A payment that arrived too late is being refunded.',
        ],
        commands: [],
      }
    default:
      return state satisfies never
  }
}

export function nextStepsOf(facts: LockFacts): NextSteps {
  const { state, id, orderNumber, isRefundable, parkedDeliveries, dueDeliveries } = facts
  const { next, commands } = ofState(facts)
  const all: NextSteps = { next: [...next, ...nextTry(facts)], commands: [...commands] }
  if (dueDeliveries > 0 && isFinal(state))
    all.next.push(`${plural(dueDeliveries, 'event delivery is', 'event deliveries are')} still pending.`)
  if (parkedDeliveries > 0) {
    all.next.push(`${plural(parkedDeliveries, 'event delivery is', 'event deliveries are')} parked.`)
    all.commands.push({ command: `holdfast deliveries --lock ${id}`, does: 'list its deliveries' })
  }
  if (isRefundable && orderNumber !== null) {
    all.commands.push({ command: `holdfast refund ${orderNumber}`, does: 'refund the order' })
  }
  return all
}
