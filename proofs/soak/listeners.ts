/**
 * The shop's durable listeners: one writes down what it hears, so that at-least-once can be checked; one fails and hangs
 * at times; one gives money back, under a key of its event, so that a repetition gives nothing twice.
 */
import type { CheckoutEngine, CheckoutEvent, ListenerMap } from '../../packages/holdfast/src/index.ts'
import { openJournal } from './journal.ts'
import { goodwillOf } from './settings.ts'

const timeoutMs = 2_000

/** What is heard goes to `file`. */
export function listenersOf(file: string, refundOrder: CheckoutEngine['refundOrder']): ListenerMap {
  const journal = openJournal(file)

  async function sendMail(event: CheckoutEvent, { attempt, signal }: { attempt: number; signal: AbortSignal }) {
    // By its id, so that it is the same in every process; only at first, so that it gets through in the end.
    const luck = (Number.parseInt(event.id.slice(-4), 16) + attempt) % 8
    if (attempt > 3) return
    if (luck === 0) throw new Error('the mail server is not there')
    if (luck === 1) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }

  async function giveBack({ id, order }: CheckoutEvent<'CheckoutCompleted'>): Promise<void> {
    const amountMinor = goodwillOf(order)
    if (amountMinor === 0) return
    const { status, message } = await refundOrder(order.id, { amountMinor, key: id, reason: 'goodwill' })
    if (status === 'failed') throw new Error(message)
  }

  return {
    CheckoutCompleted: [
      { name: 'write_down', timeoutMs, run: event => journal.note(`completed ${event.id}`) },
      { name: 'send_mail', timeoutMs, run: sendMail },
      { name: 'give_back', timeoutMs: 10_000, run: giveBack },
    ],
    CheckoutFailed: [{ name: 'write_down', timeoutMs, run: event => journal.note(`failed ${event.id}`) }],
  }
}
