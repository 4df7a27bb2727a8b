/** What happens next with one checkout: who looks at it again and when, what buyer and shop can do. Pure. */

import { isFinal } from 'holdfast'
import type { CheckoutRow } from 'holdfast/operations'
import { triesBeforeAlert } from 'holdfast/operations'
import { span, when } from '../terminal/span.ts'

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
  /** Of its order, if it has one. */
  orderNumber: string | null
  /** Something of it can still be given back. */
  isRefundable: boolean
  parkedDeliveries: number
  dueDeliveries: number
}

export interface Outlook {
  /** Sentences. */
  next: string[]
  /** What each does ends the sentence "to …". */
  commands: { command: string; does: string }[]
}

/** Who looks at it again. */
function nextLook({ now, wake_at, awake, tries, lease_owner }: LockFacts): string[] {
  if (wake_at === null) return []
  if (lease_owner !== null && !awake) {
    return [`A process works on it right now; should that one die, another carries it on ${when(wake_at, now)}.`]
  }
  const attempt = tries === 0 ? '' : `, for the ${tries + 1}${ordinal(tries + 1)} time`
  return [
    awake
      ? `It is due since ${span(Date.parse(now) - Date.parse(wake_at))}: the next look of any server or worker takes it${attempt}. Does one run?`
      : `A server or worker looks at it ${when(wake_at, now)}${attempt}.`,
  ]
}

function ordinal(number: number): string {
  const isTeen = number % 100 > 10 && number % 100 < 14
  return isTeen ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[number % 10] ?? 'th')
}

/** What is to come, and what can be done, by state. */
function ofState(facts: LockFacts): Outlook {
  const { id, state, now, expired, expires_at, action, gateway, authorization_valid_until: validUntil } = facts
  const retry = { command: `holdfast retry ${id}`, does: 'ask the gateway now' }
  const release = { command: `holdfast release ${id}`, does: 'end it and undo what was done' }
  switch (state) {
    case 'pending':
      return expired
        ? {
            next: ['Its time is over: it ends by itself, and the cart is free for a new checkout already.'],
            commands: [{ command: 'holdfast cleanup', does: 'end all whose time is over, now' }],
          }
        : {
            next: [`The buyer may pay; nothing is charged yet. It ends by itself ${when(expires_at, now)}.`],
            commands: [release],
          }
    case 'authorizing':
      return {
        next: [
          'The gateway has not answered for certain; the buyer may wait or send the payment again and is charged once.',
        ],
        commands: [retry, release],
      }
    case 'awaiting_action':
      return {
        next: [
          ...(action?.type === 'redirect'
            ? ['The buyer has to approve the payment:', action.url]
            : ['The buyer has to confirm the payment in the browser.']),
          expired ? 'Its time is over: it is undone.' : `Otherwise it is undone ${when(expires_at, now)}.`,
        ],
        commands: [retry, release],
      }
    case 'awaiting_capture': {
      const end =
        validUntil === null
          ? ''
          : ` It can be taken until ${validUntil}, ${when(validUntil, now)}; then the order is undone.`
      return {
        next: [
          gateway === 'invoice'
            ? `The order waits for the buyer’s transfer.${end}`
            : `The money is authorized, and the order waits until the shop takes it.${end}`,
        ],
        commands: [
          gateway === 'invoice'
            ? {
                command: 'holdfast invoices --open',
                does: 'see its reference, under which holdfast paid books the transfer',
              }
            : { command: `holdfast capture ${id}`, does: 'take the money' },
          release,
        ],
      }
    }
    case 'capturing':
      return {
        next: [
          'The decision to take the money is made: the gateway is asked until it answers for certain, and a refusal undoes the order.',
        ],
        commands: [retry],
      }
    case 'rolling_back':
      return {
        next: ['What was done is undone: the gateway is asked to let the payment go until it has.'],
        commands: [
          retry,
          ...(facts.tries < triesBeforeAlert
            ? []
            : [{ command: 'holdfast reconcile', does: 'compare with the gateway’s books' }]),
        ],
      }
    case 'completed':
      return {
        next: facts.wake_at === null ? ['It is at its end: the order stands.'] : ['A refund is not settled yet.'],
        commands: [],
      }
    case 'failed':
      return {
        next: [
          facts.wake_at === null
            ? 'It is at its end: the buyer may check the cart out again.'
            : 'A payment that came too late is being given back.',
        ],
        commands: [],
      }
    default:
      return state satisfies never
  }
}

export function outlookOf(facts: LockFacts): Outlook {
  const { state, id, orderNumber, isRefundable, parkedDeliveries, dueDeliveries } = facts
  const { next, commands } = ofState(facts)
  const all: Outlook = { next: [...next, ...nextLook(facts)], commands: [...commands] }
  // Somebody may still be told of what has ended.
  if (dueDeliveries > 0 && isFinal(state))
    all.next.push(`${dueDeliveries} of its events are on their way to listeners.`)
  if (parkedDeliveries > 0) {
    all.next.push(`${parkedDeliveries} of its events were given up.`)
    all.commands.push({ command: `holdfast deliveries --lock ${id}`, does: 'see which, and to whom' })
  }
  if (isRefundable && orderNumber !== null) {
    all.commands.push({ command: `holdfast refund ${orderNumber}`, does: 'give the money back' })
  }
  return all
}
