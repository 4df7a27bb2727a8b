/** Stripe as the payment provider of a simulated world: the simulator behind Stripe's official SDK. */

import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import { createStripeGateway } from '../../packages/holdfast/src/payments/stripe/stripe.ts'
import { createStripeSimulator } from '../../packages/stripe-simulator/src/create-simulator.ts'
import type { StripeFault } from '../../packages/stripe-simulator/src/faults/faults.ts'
import type { StripeSimulator } from '../../packages/stripe-simulator/src/stripe-simulator.ts'
import type { Provider } from './provider.ts'
import type { Scheduler } from './scheduler.ts'
import { stripeNetwork } from './stripe-network.ts'

const secretKey = 'sk_test_of_the_simulated_shop'
const apiVersion = '2026-10-28.endive'
const webhookSecret = 'whsec_of_the_simulated_shop'

/** The event types that a shop's endpoint subscribes to; see docs/stripe.md. */
const subscribed = /^(payment_intent\.|refund\.|charge\.refunded$|charge\.dispute\.)/

interface ShopSide {
  id: string
  state: string
  total: number | null
  reference: string | null
  keys: string[]
  refunded: number
}

const readShopSide = statement(
  'sim_shop_side',
  `select c.id, c.state, c.total_minor as total,
     (select reference from holdfast.payment_operations o where o.checkout_id = c.id and o.kind = 'authorize') as reference,
     array(select idempotency_key from holdfast.payment_operations o where o.checkout_id = c.id) as keys,
     coalesce((select refunded_minor from holdfast.orders o where o.checkout_id = c.id), 0) as refunded
   from holdfast.checkouts c`,
)

export interface StripeProviderOptions {
  /** The shop's database, for the comparison. */
  database: Database
  scheduler: Scheduler
  onWebhook(headers: Headers, body: string): void
}

export function stripeProvider({ database, scheduler, onWebhook }: StripeProviderOptions): Provider {
  let injected: StripeFault | null = null
  let simulator = open()

  function open(): StripeSimulator {
    let drawn = 0
    return createStripeSimulator({
      clock: () => scheduler.nowMs,
      // The same IDs in each run.
      random() {
        drawn = (drawn * 1_103_515_245 + 12_345) % 2 ** 31
        return drawn / 2 ** 31
      },
      webhooks: [{ url: 'http://shop.invalid/webhooks/stripe', secret: webhookSecret }],
      async deliverWebhook(headers, body) {
        const { type } = JSON.parse(body) as { type: string }
        if (subscribed.test(type)) onWebhook(new Headers(headers), body)
      },
      faults: () => injected,
      sleep: async () => {},
    })
  }

  /** Confirms in the Payment Element, with a card that is approved or declined. */
  async function confirmInBrowser(id: string, decision: 'approve' | 'refuse'): Promise<void> {
    const url = `http://stripe.invalid/v1/payment_intents/${id}`
    const authorized = (key: string) => ({ Authorization: `Bearer ${key}`, 'Stripe-Version': apiVersion })
    const intent = await simulator.handle(new Request(url, { headers: authorized(secretKey) }))
    const { client_secret: secret } = (await intent.json()) as { client_secret: string }
    const card = decision === 'approve' ? 'pm_card_visa' : 'pm_card_visa_chargeDeclined'
    const body = new URLSearchParams({ client_secret: secret, payment_method: card })
    const headers = {
      ...authorized('pk_test_of_the_simulated_shop'),
      'Content-Type': 'application/x-www-form-urlencoded',
    }
    await simulator.handle(new Request(`${url}/confirm`, { method: 'POST', headers, body }))
  }

  /** Contradictions between Stripe's books and a checkout. */
  function contradictionsOf(shop: ShopSide, drained: boolean): string[] {
    const books = simulator.books(shop.id)
    const wrong: string[] = []
    const report = (invariant: string, what: string) =>
      wrong.push(`${invariant}: checkout ${shop.id} is ${shop.state}, and at Stripe ${what}`)
    if (books.captures > 1) report('A2', `it was captured ${books.captures} times`)
    if (books.capturedMinor > books.authorizedMinor || books.refundedMinor > books.capturedMinor)
      report('A2', 'the sums are wrong')
    for (const { intentId, idempotencyKey } of books.effects) {
      if (intentId !== shop.reference)
        report('A4', `money moved on ${intentId}, which is not the payment of the checkout`)
      const key = idempotencyKey?.split(':').slice(0, 3).join(':')
      if (key !== undefined && !shop.keys.includes(key)) report('A4', `${idempotencyKey} is not a recorded operation`)
    }
    if (shop.state === 'completed' && books.capturedMinor !== shop.total)
      report('B2', `${books.capturedMinor} was captured`)
    if (!drained) return wrong
    if (shop.state === 'completed' && books.refundedMinor !== shop.refunded)
      report('B2', `${books.refundedMinor} was refunded`)
    if (shop.state === 'failed' && books.openMinor > 0) report('B3', `${books.openMinor} is still authorized`)
    if (shop.state === 'failed' && books.capturedMinor !== books.refundedMinor)
      report('B3', 'captured money was not refunded')
    return wrong
  }

  return {
    name: 'stripe',
    reach: caller =>
      createStripeGateway({
        secretKey,
        webhookSecret,
        apiUrl: 'http://stripe.invalid',
        now: () => scheduler.nowMs,
        httpClient: stripeNetwork({
          ...caller,
          scheduler,
          handle(request, fault) {
            injected = fault
            return simulator.handle(request).finally(() => {
              injected = null
            })
          },
        }),
      }),
    async decide(checkoutId, decision) {
      // Of all intents, the buyer knows only the one that the shop kept.
      const shops = await database.query<ShopSide>(readShopSide)
      const kept = shops.find(({ id }) => id === checkoutId)?.reference
      for (const { id, status } of simulator.books(checkoutId).intents.filter(intent => intent.id === kept)) {
        if (status === 'requires_action') simulator.authenticate(id, decision === 'approve' ? 'complete' : 'fail')
        if (status === 'requires_payment_method') await confirmInBrowser(id, decision)
      }
    },
    async dueAtMs() {
      const inMs = simulator.dueInMs()
      return inMs === null ? null : scheduler.nowMs + inMs
    },
    runDueJobs: () => simulator.runDueJobs(),
    async violations(drained) {
      const shops = await database.query<ShopSide>(readShopSide)
      return shops.flatMap(shop => contradictionsOf(shop, drained))
    },
    begin() {
      simulator.close()
      simulator = open()
    },
    close: async () => simulator.close(),
  }
}
