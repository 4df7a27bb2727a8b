/**
 * A test store with payments through Stripe: the gateway, the official SDK, and the simulator in this process. Tests
 * advance the time. After each test all work drains, and the books of shop and simulator must agree.
 */
import Stripe from 'stripe'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { createStripeSimulator } from '../../../../stripe-simulator/src/create-simulator.ts'
import type { StripeSimulator } from '../../../../stripe-simulator/src/stripe-simulator.ts'
import type { Books } from '../../../../stripe-simulator/src/world/books.ts'
import type { CheckoutEngine, PaymentInput } from '../../../src/engine/checkout-engine.ts'
import { createStripeGateway, type StripeGatewayOptions } from '../../../src/payments/stripe/stripe.ts'
import type { DatabaseKind } from '../../support/test-database.ts'
import { type Begun, describeStore, type EngineOptions, secret, type TestStore } from '../../support/test-store.ts'

export const keys = {
  secretKey: 'sk_test_simulated1234',
  publishableKey: 'pk_test_simulated1234',
  webhookSecret: 'whsec_simulated1234',
} as const

/** The state of a checkout in the shop's tables and in Stripe's books. */
export interface Ending {
  state: string
  code: string | null
  reason: string | null
  order: string | null
  holds: string[]
  /** At Stripe: captured and not refunded. */
  charged: number
  /** At Stripe: authorized, neither captured nor released. */
  open: number
  /** The states of its intents at Stripe. */
  intents: string[]
}

export interface Paying extends Begun {
  sku: string
}

export interface StripeShop {
  store: TestStore
  simulator: StripeSimulator
  /** A client with the secret key, such as the dashboard or the host's own server. */
  stripe: Stripe
  /** Sends the gateway's requests to the simulator. */
  httpClient: ReturnType<typeof Stripe.createFetchHttpClient>
  engine: CheckoutEngine
  /** The receiver of webhooks; null drops them. Each test starts with `engine`. */
  webhooks: { to: CheckoutEngine | null }
  /** Checkouts whose books differ on purpose. */
  excused: Set<string>
  open(options?: EngineOptions & { apart?: boolean; stripe?: Partial<StripeGatewayOptions> }): Promise<CheckoutEngine>
  /** Locks a cart of 25.00 USD. */
  begin(options?: { engine?: CheckoutEngine; ttlMinutes?: number }): Promise<Paying>
  /** Locks a cart of 25.00 USD and pays for it. */
  pay(
    payment: PaymentInput,
    options?: { engine?: CheckoutEngine },
  ): Promise<Paying & { outcome: Awaited<ReturnType<CheckoutEngine['processCheckout']>> }>
  /** Confirms as Stripe's script in a browser does, with the publishable key and the client secret. */
  confirmInBrowser(lockId: string, parameters: Record<string, string>): Promise<{ status: number; intent: string }>
  /** The ID of the checkout's payment. */
  intentOf(lockId: string): Promise<string>
  /** Lets time pass at Stripe, and delivers its webhooks. */
  pass(ms: number): Promise<void>
  drain(by?: CheckoutEngine): Promise<void>
  ending(lockId: string): Promise<Ending>
  books(lockId: string): Books
  /** Differences between the shop's and Stripe's books, as readable text. */
  disagreements(): Promise<string[]>
}

export const paid = { state: 'completed', code: null, reason: null, order: 'paid', holds: ['committed'], open: 0 }
export const undone = { state: 'failed', holds: ['released'], charged: 0, open: 0 }

interface ShopSide {
  id: string
  state: string
  total: number | null
  currency: string | null
  order: string | null
  refunded: number
  references: string[]
}

const shopSides = `select c.id, c.state, c.total_minor as total, c.currency,
  (select status from holdfast.orders o where o.checkout_id = c.id) as "order",
  coalesce((select refunded_minor from holdfast.orders o where o.checkout_id = c.id), 0) as refunded,
  array(select distinct reference from holdfast.payment_operations o where o.checkout_id = c.id and reference is not null) as references
  from holdfast.checkouts c where c.gateway = 'stripe'`

export async function openStripeShop(store: TestStore): Promise<StripeShop> {
  const webhooks: StripeShop['webhooks'] = { to: null }
  const excused = new Set<string>()
  const simulator = createStripeSimulator({
    secretKey: keys.secretKey,
    publishableKey: keys.publishableKey,
    webhooks: [{ url: 'http://shop.invalid/webhooks/stripe', secret: keys.webhookSecret }],
    deliverWebhook: async (headers, body) => {
      await webhooks.to?.receiveWebhook('stripe', headers, body)
    },
    url: 'http://stripe.invalid',
  })
  // A failed connection as `fetch` reports it, so that the SDK does not retry by itself.
  const httpClient = Stripe.createFetchHttpClient((url, init) =>
    simulator.handle(new Request(url as string, init)).catch((cause: unknown) => {
      throw new TypeError('fetch failed', { cause })
    }),
  )
  const gatewayWith = (options: Partial<StripeGatewayOptions> = {}) =>
    createStripeGateway({ ...keys, apiUrl: 'http://stripe.invalid', httpClient, ...options })
  const { host, protocol } = { host: 'stripe.invalid', protocol: 'http' as const }
  const stripe = new Stripe(keys.secretKey, { host, protocol, httpClient, maxNetworkRetries: 0, telemetry: false })

  const open: StripeShop['open'] = ({ stripe: options, ...more } = {}) =>
    store.open({ gateway: gatewayWith(options), ...more, config: { secret, ...more.config } })
  const engine = await open()
  webhooks.to = engine

  /** Stripe's units per minor unit, where they differ. */
  const unit = (currency: string) => ({ ISK: 100, UGX: 100, MGA: 0.01 })[currency] ?? 1

  async function wake(): Promise<number> {
    const moving = await store.sql(
      `with due as (
         select id from holdfast.checkouts
         where wake_at is not null and (state in ('authorizing', 'capturing', 'rolling_back', 'completed', 'failed')
           or state in ('pending', 'awaiting_action') and expires_at <= now()) order by id for update)
       update holdfast.checkouts c set wake_at = now() - interval '1 second' from due where c.id = due.id returning c.id`,
    )
    const webhooksDue = await store.sql(
      `update holdfast.webhooks as webhook set look_at = now() - interval '1 second'
       from (select ctid as place from holdfast.webhooks where handled_at is null and checkout_id is not null
             order by gateway, event_id for update) as open
       where webhook.ctid = open.place returning event_id`,
    )
    return moving.length + webhooksDue.length
  }

  const shop: StripeShop = {
    store,
    simulator,
    stripe,
    httpClient,
    engine,
    webhooks,
    excused,
    open,
    async begin({ engine: by = engine, ttlMinutes } = {}) {
      const sku = await store.article()
      const start = ttlMinutes === undefined ? {} : { ttlMinutes }
      return { sku, ...(await store.begin({ [sku]: 2 }, { engine: by, start })) }
    },
    async pay(payment, { engine: by = engine } = {}) {
      const begun = await shop.begin({ engine: by })
      return { ...begun, outcome: await by.processCheckout(begun.lockId, payment) }
    },
    async confirmInBrowser(lockId, parameters) {
      const confirmation = await engine.getConfirmation(lockId)
      if (confirmation === null) throw new Error('no confirmation is pending')
      const id = await shop.intentOf(lockId)
      const response = await simulator.handle(
        new Request(`http://stripe.invalid/v1/payment_intents/${id}/confirm`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({
            key: confirmation.publishableKey ?? '',
            client_secret: confirmation.clientSecret,
            return_url: 'http://shop.test/checkout?returned=1',
            ...parameters,
          }).toString(),
        }),
      )
      const body = (await response.json()) as { status?: string; error?: { payment_intent?: { status: string } } }
      return { status: response.status, intent: body.status ?? body.error?.payment_intent?.status ?? '' }
    },
    async intentOf(lockId) {
      const [row] = await store.sql<{ reference: string }>(
        `select reference from holdfast.payment_operations where checkout_id = $1::uuid and kind = 'authorize'`,
        [lockId],
      )
      return row?.reference ?? ''
    },
    async pass(ms) {
      simulator.advance(ms)
      await simulator.runDueJobs()
      await engine.recover()
    },
    async drain(by = engine) {
      for (let round = 0; round < 80; round += 1) {
        simulator.advance(60_001)
        const sent = await simulator.runDueJobs()
        const moving = await wake()
        await by.recover()
        if (sent + moving === 0) return
      }
      const open = await store.sql(
        `select id, state, tries, lease_owner, (
           select json_agg(json_build_object('key', idempotency_key, 'answer', answer)) from holdfast.payment_operations
           where checkout_id = c.id and status = 'intended') as open
         from holdfast.checkouts c where wake_at is not null and gateway = 'stripe'`,
      )
      throw new Error(`the shop still has open work: ${JSON.stringify(open)}`)
    },
    async ending(lockId) {
      const [row] = await store.sql<Pick<Ending, 'state' | 'code' | 'reason' | 'order' | 'holds'>>(
        `select state, failure->>'code' as code, failure->'context'->>'reason' as reason,
           (select status from holdfast.orders o where o.checkout_id = c.id) as "order",
           array(select distinct state from holdfast.stock_reservations r where r.checkout_id = c.id order by state) as holds
         from holdfast.checkouts c where id = $1::uuid`,
        [lockId],
      )
      if (row === undefined) throw new Error(`checkout ${lockId} does not exist`)
      const { capturedMinor, refundedMinor, openMinor, intents } = simulator.books(lockId)
      const charged = capturedMinor - refundedMinor
      return { ...row, charged, open: openMinor, intents: intents.map(({ status }) => status) }
    },
    books: lockId => simulator.books(lockId),
    async disagreements() {
      const sides = await store.sql<ShopSide>(shopSides)
      const compared = sides.filter(({ id }) => !excused.has(id))
      return compared.flatMap(side => disagreementsOf(side, simulator.books(side.id), unit(side.currency ?? '')))
    },
  }
  return shop
}

function disagreementsOf(side: ShopSide, books: Books, unit: number): string[] {
  const wrong: string[] = []
  const mustBe = (what: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) wrong.push(`${side.id} (${side.state}): ${what} is ${found}, not ${wanted}`)
  }
  const isMine = books.intents.every(({ id }) => side.references.includes(id))
  const byKey = books.effects
    .filter(({ idempotencyKey }) => idempotencyKey?.startsWith(side.id) === true)
    .map(({ kind, idempotencyKey }) => `${kind} ${idempotencyKey}`)
  mustBe('the number of effects of its keys', byKey.length, new Set(byKey).size)
  if (books.captures > 1) mustBe('the number of captures', books.captures, 1)
  if (side.state === 'completed') {
    mustBe('the captured amount', books.capturedMinor, (side.total ?? 0) * unit)
    mustBe('the refunded amount', books.refundedMinor, side.refunded * unit)
    mustBe('the open amount', books.openMinor, 0)
  }
  if (side.state === 'failed' && isMine) {
    mustBe('the kept amount', books.capturedMinor - books.refundedMinor, 0)
    mustBe('the open amount', books.openMinor, 0)
  }
  return wrong
}

/**
 * A suite on PostgreSQL, because Stripe behaves the same on every database, or on those of `kinds`. After each test all
 * work is drained and the books agree.
 */
export function describeStripe(
  title: string,
  suite: (shop: StripeShop) => void,
  kinds: readonly DatabaseKind[] = ['postgres'],
): void {
  describeStore(
    title,
    store => {
      const shop = {} as StripeShop
      beforeAll(async () => {
        Object.assign(shop, await openStripeShop(store))
      })
      afterEach(async () => {
        shop.simulator.clearFaults()
        shop.webhooks.to = shop.engine
        await shop.drain()
        expect(await shop.disagreements()).toEqual([])
      })
      afterAll(() => shop.simulator.close())
      suite(shop)
    },
    kinds,
  )
}
