/**
 * The Stripe simulator: Stripe's payment API in memory, with Stripe's rules, faults on demand, and books that tell what
 * really happened. Without sockets and timers: `handle` answers, `runDueJobs` does what time brings.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as passed } from 'node:timers/promises'
import { createApi } from './api/api.ts'
import { page } from './api/authentication-page.ts'
import { answerControl } from './api/control.ts'
import { isStripeJs, stripeJs } from './api/stripe-js.ts'
import { type DeliverStripeWebhook, postWebhook, type StripeWebhookEndpoint } from './api/webhook-endpoint.ts'
import {
  createFaultPlan,
  type StripeFault,
  type StripeFaults,
  type WebhookFault,
  type WebhookFaults,
} from './faults/faults.ts'
import { expireAuthorization } from './payments/attempt.ts'
import { authenticate } from './payments/confirm.ts'
import { openDispute } from './payments/disputes.ts'
import { findIntent } from './payments/intents.ts'
import { failRefund } from './payments/refunds.ts'
import type { StripeSimulator } from './stripe-simulator.ts'
import { eventObject } from './world/events.ts'
import { booksOf } from './world/reckoning.ts'
import { createWebhooks } from './world/webhooks.ts'
import { createWorld } from './world/world.ts'

export interface StripeSimulatorOptions {
  /** The one secret key it accepts. Default: any `sk_test_…`. */
  secretKey?: string
  /** The one publishable key it accepts. Default: any `pk_test_…`. */
  publishableKey?: string
  /** Where events are sent. Default: nowhere. */
  webhooks?: readonly StripeWebhookEndpoint[]
  /** Sends a webhook; throws to have it sent again. Default: over HTTP. */
  deliverWebhook?: DeliverStripeWebhook
  /** Until a webhook that failed is sent again, doubled each time. Default 1,000. */
  webhookRetryMs?: number
  /** Milliseconds since 1970. Default: the machine's clock. */
  clock?: () => number
  /** 0 to 1, for ids and for faults with a rate. Default: other ids in every process. */
  random?: () => number
  /** Waits, for answers that are slow on purpose. Default: real time. */
  sleep?: (ms: number) => Promise<void>
  /** What goes wrong with which call. Default: what `planFault` asks for. */
  faults?: StripeFaults
  webhookFaults?: WebhookFaults
  /** How old search results are. Default a minute. */
  searchDelayMs?: number
  /** Where a browser reaches it, for pages of authentication. Default `http://127.0.0.1`. */
  url?: string
  /** Opens the control routes to loopback: to everybody there, or with `Authorization: Bearer <token>`. Default: closed. */
  control?: true | { token: string }
}

/** `refuseFor`: refuses connections for a while, where there are any. */
export function createStripeSimulator(
  options: StripeSimulatorOptions = {},
  { refuseFor = () => {} }: { refuseFor?: (ms: number) => void } = {},
): StripeSimulator {
  const { clock = Date.now, random = Math.random, searchDelayMs = 60_000, url = 'http://127.0.0.1', control } = options
  const ending = new AbortController()
  // Every call whose answer never comes waits for it.
  setMaxListeners(0, ending.signal)
  let aheadMs = 0
  const nowMs = () => clock() + aheadMs
  const plan = createFaultPlan<StripeFault>(random)
  const webhookPlan = createFaultPlan<WebhookFault>(random)
  const webhooks = createWebhooks({
    endpoints: options.webhooks ?? [],
    deliver: options.deliverWebhook ?? postWebhook,
    nowMs,
    signedAtMs: clock,
    faults: options.webhookFaults ?? null,
    plan: webhookPlan,
    retryMs: options.webhookRetryMs ?? 1_000,
  })
  const world = createWorld({ clock: nowMs, random, searchDelayMs, url: () => url, onEvent: webhooks.publish })
  const api = createApi({
    world,
    keys: { secretKey: options.secretKey ?? null, publishableKey: options.publishableKey ?? null },
    searchDelayMs,
    faults: options.faults ?? null,
    plan,
    sleep: options.sleep ?? (ms => passed(ms)),
    ending: ending.signal,
  })

  function chargeOf(chargeId: string) {
    const charge = world.charges.get(chargeId)
    if (charge === undefined) throw new Error(`there is no charge ${chargeId}`)
    return charge
  }

  const simulator: StripeSimulator = {
    async handle(request, from = { isLoopback: true }) {
      world.settle()
      const { pathname } = new URL(request.url)
      if (pathname.startsWith('/_control/')) {
        const isOpen = from.isLoopback && control !== undefined
        return answerControl({ simulator, refuseFor }, request, isOpen ? control : null)
      }
      if (request.method === 'GET' && isStripeJs(pathname)) return stripeJs()
      if (pathname.startsWith('/3ds/')) return page(world, request, pathname.slice(5))
      return api.call(request)
    },
    books: checkoutId => booksOf(world, checkoutId),
    effects: () => world.effects,
    events: () => world.events.all().map(eventObject).reverse() as ReturnType<StripeSimulator['events']>,
    planFault: plan.add,
    planWebhookFault: webhookPlan.add,
    clearFaults() {
      plan.clear()
      webhookPlan.clear()
    },
    faultsFired: () => ({ ...plan.fired(), ...webhookPlan.fired() }),
    advance(ms) {
      aheadMs += ms
      world.settle()
    },
    expireAuthorization(intentId) {
      const record = findIntent(world, intentId)
      const charge = world.charges.get(String(record.intent.latest_charge))
      return charge !== undefined && expireAuthorization(world, record, charge)
    },
    authenticate: (intentId, word) => authenticate(world, findIntent(world, intentId), word),
    failRefund(refundId) {
      const refund = world.refunds.get(refundId)
      if (refund === undefined) throw new Error(`there is no refund ${refundId}`)
      return failRefund(world, refund)
    },
    dispute: (chargeId, kind = 'fraudulent') => openDispute(world, chargeOf(chargeId), kind).id,
    forgetKeys: api.idempotencyKeys.forget,
    addWebhookEndpoint: webhooks.addEndpoint,
    async runDueJobs() {
      const settled = world.settle()
      return settled + (await webhooks.runDue())
    },
    dueInMs() {
      const times = [world.nextDueMs(), webhooks.nextDueMs()].filter(time => time !== null)
      return times.length === 0 ? null : Math.max(0, Math.min(...times) - nowMs())
    },
    close: () => ending.abort(),
  }
  return simulator
}
