/**
 * The Stripe simulator: Stripe's payment API in memory, with Stripe's rules, faults on demand, and books of all
 * movements of money. It has no sockets and no timers: `handle` answers requests, and `runDueJobs` runs what is due.
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
import { booksOf } from './world/checkout-books.ts'
import { eventObject } from './world/events.ts'
import { createWebhooks } from './world/webhooks.ts'
import { createWorld } from './world/world.ts'

export interface StripeSimulatorOptions {
  /** The accepted secret key. Default: any `sk_test_…`. */
  secretKey?: string
  /** The accepted publishable key. Default: any `pk_test_…`. */
  publishableKey?: string
  /** The webhook endpoints. Default: none. */
  webhooks?: readonly StripeWebhookEndpoint[]
  /** Delivers a webhook; an error makes the simulator retry. Default: over HTTP. */
  deliverWebhook?: DeliverStripeWebhook
  /** The delay before the first retry of a webhook in milliseconds, doubled for each further one. Default: 1,000. */
  webhookRetryMs?: number
  /** The clock, in milliseconds since 1970. Default: the system clock. */
  clock?: () => number
  /** Random numbers from 0 to 1, for IDs and for faults with a rate. Default: different in every process. */
  random?: () => number
  /** Waits for slow answers. Default: real time. */
  sleep?: (ms: number) => Promise<void>
  /** Decides the fault of each call. Default: the faults of `planFault`. */
  faults?: StripeFaults
  webhookFaults?: WebhookFaults
  /** The age of search results in milliseconds. Default: one minute. */
  searchDelayMs?: number
  /** The URL of the simulator for browsers, for authentication pages. Default: `http://127.0.0.1`. */
  url?: string
  /**
   * Enables the control routes on the loopback interface: without a token, or with `Authorization: Bearer <token>`.
   * Default: disabled.
   */
  control?: true | { token: string }
}

/** `refuseFor` is called to refuse connections for a while, if the simulator has a server. */
export function createStripeSimulator(
  options: StripeSimulatorOptions = {},
  { refuseFor = () => {} }: { refuseFor?: (ms: number) => void } = {},
): StripeSimulator {
  const { clock = Date.now, random = Math.random, searchDelayMs = 60_000, url = 'http://127.0.0.1', control } = options
  const ending = new AbortController()
  // Calls without an answer wait for this signal.
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
    if (charge === undefined) throw new Error(`unknown charge ${chargeId}`)
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
      if (refund === undefined) throw new Error(`unknown refund ${refundId}`)
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
