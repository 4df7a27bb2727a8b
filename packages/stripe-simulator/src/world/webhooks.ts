/** Webhooks: each event is signed as Stripe does, and sent to each endpoint until the endpoint accepts it. */
import { createHmac } from 'node:crypto'
import type { DeliverStripeWebhook, StripeWebhookEndpoint } from '../api/webhook-endpoint.ts'
import type { FaultPlan, WebhookFault, WebhookFaults } from '../faults/faults.ts'
import { createDueQueue } from './due-queue.ts'
import { eventText } from './events.ts'
import type { EventRecord } from './world.ts'

export interface WebhooksOptions {
  endpoints: readonly StripeWebhookEndpoint[]
  deliver: DeliverStripeWebhook
  nowMs: () => number
  /** The clock of signatures: that of the recipient. */
  signedAtMs: () => number
  faults: WebhookFaults | null
  plan: FaultPlan<WebhookFault>
  /** The delay before the second attempt, doubled for each further one. */
  retryMs: number
}

export interface Webhooks {
  publish(event: EventRecord): void
  addEndpoint(endpoint: StripeWebhookEndpoint): void
  /** Sends the due webhooks, several in parallel. Returns their number. */
  runDue(): Promise<number>
  nextDueMs(): number | null
}

interface Delivery {
  event: EventRecord
  endpoint: StripeWebhookEndpoint
  attempts: number
  isForged: boolean
}

const attemptsMax = 16
const retryMsMax = 60 * 60_000
const heldMsMax = 60_000
const atOnce = 8

export function stripeSignature(secret: string, body: string, atMs: number): string {
  const seconds = Math.floor(atMs / 1_000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { deliver, nowMs, signedAtMs, faults, plan, retryMs } = options
  const endpoints = [...options.endpoints]
  const queue = createDueQueue<Delivery>()
  /** A webhook that waits until the next one has overtaken it. */
  let held: Delivery[] = []

  function publish(event: EventRecord): void {
    event.pendingWebhooks = endpoints.length
    const overtaken = held
    held = []
    for (const endpoint of endpoints) plant(event, endpoint)
    for (const delivery of overtaken) queue.add(nowMs(), delivery)
  }

  function plant(event: EventRecord, endpoint: StripeWebhookEndpoint): void {
    const decided = faults?.({ id: event.id, type: event.type }) ?? null
    const fault = decided === null ? plan.next({ on: event.type }) : plan.count(decided, event.type)
    const delivery = { event, endpoint, attempts: 0, isForged: false }
    switch (fault?.kind) {
      case 'lose':
        return
      case 'twice':
        queue.add(nowMs(), delivery)
        queue.add(nowMs(), { ...delivery })
        return
      case 'late':
        queue.add(nowMs() + fault.ms, delivery)
        return
      case 'out_of_order':
        held.push(delivery)
        queue.add(nowMs() + heldMsMax, delivery)
        return
      case 'forge':
        queue.add(nowMs(), { ...delivery, isForged: true })
        queue.add(nowMs(), delivery)
        return
      case undefined:
        queue.add(nowMs(), delivery)
        return
    }
    fault satisfies never
  }

  async function send(delivery: Delivery): Promise<void> {
    const { event, endpoint, isForged } = delivery
    // The webhook was held back, and has been sent meanwhile.
    if (delivery.attempts < 0) return
    const text = eventText(event)
    const body = isForged ? text.replace(/"amount(_received|_captured)?":\d+/g, '"amount$1":1') : text
    const signature = stripeSignature(isForged ? `${endpoint.secret}?` : endpoint.secret, body, signedAtMs())
    const headers = new Headers({
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      'stripe-signature': signature,
    })
    delivery.attempts += 1
    const { attempts } = delivery
    try {
      await deliver(headers, body, endpoint.url)
      delivery.attempts = -1
      if (!isForged) event.pendingWebhooks = Math.max(0, event.pendingWebhooks - 1)
    } catch {
      if (isForged || attempts >= attemptsMax) return
      queue.add(nowMs() + Math.min(retryMs * 2 ** (attempts - 1), retryMsMax), delivery)
    }
  }

  async function runDue(): Promise<number> {
    let sent = 0
    for (;;) {
      const batch: Delivery[] = []
      while (batch.length < atOnce) {
        const next = queue.take(nowMs())
        if (next === null) break
        batch.push(next.value)
      }
      if (batch.length === 0) return sent
      sent += batch.length
      await Promise.all(batch.map(send))
    }
  }

  return {
    publish,
    addEndpoint: endpoint => void endpoints.push(endpoint),
    runDue,
    nextDueMs: queue.nextMs,
  }
}
