/**
 * The shop's durable listeners: one records its events, to check at-least-once delivery; one sometimes fails or hangs;
 * one refunds orders with the event ID as key, so that a repeated delivery refunds nothing twice.
 */
import type { CheckoutEngine, CheckoutEvent, ListenerMap } from '../../packages/holdfast/src/index.ts'
import { openJournal } from './journal.ts'
import { goodwillOf } from './settings.ts'

const timeoutMs = 2_000

/** @param file the journal of delivered events. */
export function listenersOf(file: string, refundOrder: CheckoutEngine['refundOrder']): ListenerMap {
  const journal = openJournal(file)

  async function sendMail(event: CheckoutEvent, { attempt, signal }: { attempt: number; signal: AbortSignal }) {
    // Derived from the event ID, so it is the same in every process; only early attempts fail, so delivery succeeds.
    const luck = (Number.parseInt(event.id.slice(-4), 16) + attempt) % 8
    if (attempt > 3) return
    if (luck === 0) throw new Error('the mail server is unreachable')
    if (luck === 1) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }

  async function refundGoodwill({ id, order }: CheckoutEvent<'CheckoutCompleted'>): Promise<void> {
    const amountMinor = goodwillOf(order)
    if (amountMinor === 0) return
    const { status, message } = await refundOrder(order.id, { amountMinor, key: id, reason: 'goodwill' })
    if (status === 'failed') throw new Error(message)
  }

  return {
    CheckoutCompleted: [
      { name: 'record', timeoutMs, run: event => journal.note(`completed ${event.id}`) },
      { name: 'send_mail', timeoutMs, run: sendMail },
      { name: 'refund_goodwill', timeoutMs: 10_000, run: refundGoodwill },
    ],
    CheckoutFailed: [{ name: 'record', timeoutMs, run: event => journal.note(`failed ${event.id}`) }],
  }
}
