/**
 * The webhook proof: webhooks of real journeys through Stripe arrive shuffled, repeated, lost, and forged, during the
 * journeys and afterwards. Proves that a webhook is only a hint: checkouts, orders, and Stripe's books end as if each
 * webhook had arrived once and in order.
 */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import Stripe from 'stripe'
import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'
import type { CheckoutEngine } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import { createCheckout } from '../../packages/holdfast/src/engine/create-checkout.ts'
import { createStripeGateway } from '../../packages/holdfast/src/payments/stripe/stripe.ts'
import { type Carts, createCarts } from '../../packages/holdfast/src/shop/carts/carts.ts'
import { createStripeSimulator } from '../../packages/stripe-simulator/src/create-simulator.ts'
import type { StripeSimulator } from '../../packages/stripe-simulator/src/stripe-simulator.ts'
import { fillShop } from '../buyers/shop.ts'
import { createRandom, dealer, type Random } from '../random.ts'
import { mustCome, stripeKeys, type Traveller, type WebhookJourney, webhookJourneys } from './webhook-journeys.ts'

export interface WebhooksOptions {
  /** An empty database. */
  databaseUrl: string
  sequences: number
  seed: number
  onSequence?(done: number): void
}

export interface WebhooksReport {
  seed: number
  sequences: number
  /** Distinct orders in which webhooks arrived. */
  schedules: number
  checkouts: number
  journeys: Record<string, number>
  events: { made: number; lost: number; delivered: number; again: number; forged: number; forgedRefused: number }
  /** Checkouts that ended differently from the ordered run. */
  differing: number
  /** Genuine webhooks that were stored but never processed. */
  unhandled: number
  violations: number
  seconds: number
  /** What failed, in sentences; empty if the proof holds. */
  wrong: string[]
}

const webhookSecret = 'whsec_simulated1234'
const sku = 'PLENTY'
const journeysPerSequence = 4
const roundsMax = 60
const wrongMax = 20

interface Event {
  journey: WebhookJourney
  type: string
  headers: Headers
  body: string
  copies: number
  sent: number
}

interface Scene {
  database: Database
  carts: Carts
  engines: readonly CheckoutEngine[]
  simulator: StripeSimulator
  stripe: Stripe
  send: Traveller['send']
  /** What the simulator has sent since this list was last emptied. */
  outgoing: { headers: Headers; body: string }[]
}

const readReference = statement(
  'sim_reference',
  `select reference from holdfast.payment_operations where checkout_id = $1::uuid and kind = 'authorize'`,
)
const wakeCheckouts = statement(
  'sim_wake',
  `with due as (
     select id from holdfast.checkouts
     where wake_at is not null and state not in ('pending', 'awaiting_action', 'awaiting_capture') order by id for update)
   update holdfast.checkouts c set wake_at = now() - interval '1 second' from due where c.id = due.id returning c.id`,
)
const wakeWebhooks = statement(
  'sim_wake_webhooks',
  `update holdfast.webhooks as webhook set look_at = now() - interval '1 second'
   from (select ctid as place from holdfast.webhooks where handled_at is null order by gateway, event_id for update) as open
   where webhook.ctid = open.place returning event_id`,
)
const readEnd = statement(
  'sim_webhooks_end',
  `select c.state, c.failure->>'code' as code, c.failure->'context'->>'reason' as reason,
     (select json_build_object('status', status, 'refunded', refunded_minor) from holdfast.orders o where o.checkout_id = c.id) as "order",
     array(select distinct state from holdfast.stock_reservations r where r.checkout_id = c.id order by state) as holds,
     array(select type from holdfast.events e where e.checkout_id = c.id order by type) as events
   from holdfast.checkouts c where c.id = $1::uuid`,
)
const countUnhandled = statement(
  'sim_unhandled_webhooks',
  `select count(*)::int as unhandled from holdfast.webhooks where handled_at is null`,
)

async function open({ databaseUrl }: WebhooksOptions): Promise<Scene & { close(): Promise<void> }> {
  const database = await connectPostgres({ url: databaseUrl, poolMax: 4 })
  await fillShop(database, [{ sku, priceMinor: 2_000, quantity: 1_000_000 }])
  const outgoing: Scene['outgoing'] = []
  const simulator = createStripeSimulator({
    ...stripeKeys,
    webhooks: [{ url: 'http://shop.invalid/webhooks/stripe', secret: webhookSecret }],
    deliverWebhook: async (headers, body) => void outgoing.push({ headers, body }),
  })
  const httpClient = Stripe.createFetchHttpClient((url, init) => simulator.handle(new Request(url as string, init)))
  const gateway = createStripeGateway({ ...stripeKeys, webhookSecret, apiUrl: 'http://stripe.invalid', httpClient })
  const connections = await Promise.all([1, 2].map(() => connectPostgres({ url: databaseUrl, poolMax: 4 })))
  const engines = await Promise.all(
    connections.map(connection =>
      createCheckout({
        database: connection,
        gateways: { card: gateway },
        workers: false,
        migrate: false,
        config: { currency: 'EUR', secret: 'shared by every process of this shop' },
      }),
    ),
  )
  const stripe = new Stripe(stripeKeys.secretKey, {
    host: 'stripe.invalid',
    protocol: 'http',
    httpClient,
    maxNetworkRetries: 0,
    telemetry: false,
  })
  return {
    database,
    carts: createCarts(database, { currency: 'EUR' }),
    engines,
    simulator,
    stripe,
    outgoing,
    async send(path, form) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const body = new URLSearchParams(form).toString()
      return simulator.handle(new Request(`http://stripe.invalid${path}`, { method: 'POST', headers, body }))
    },
    async close() {
      await Promise.all(engines.map(engine => engine.close()))
      await Promise.all([...connections, database].map(connection => connection.close()))
      simulator.close()
    },
  }
}

async function begin(scene: Scene, name: string): Promise<string> {
  const address = {
    firstName: 'Ada',
    lastName: 'Byron',
    lineOne: 'Hafenstraße 1',
    city: 'Hamburg',
    postcode: '20457',
    country: 'DE',
  }
  const cartId = await scene.carts.createCart({
    sessionId: name,
    email: 'ada@example.com',
    shippingAddress: address,
    lines: [{ sku, quantity: 1 }],
  })
  const lock = await engineOf(scene, 0).startCheckout(cartId, { sessionId: name })
  return lock.id
}

function engineOf({ engines }: Scene, number: number): CheckoutEngine {
  const engine = engines[number % engines.length]
  if (engine === undefined) throw new Error('the shop has no engine')
  return engine
}

async function take(scene: Scene, journey: WebhookJourney, step: number, lockId: string, by: number): Promise<void> {
  const { simulator, stripe, send, database } = scene
  await webhookJourneys[journey][step]?.({
    engine: engineOf(scene, by),
    simulator,
    stripe,
    send,
    lockId,
    async reference() {
      const [row] = await database.query<{ reference: string }>(readReference, [lockId])
      return row?.reference ?? ''
    },
  })
}

/** Takes what the simulator has sent since the last call. */
async function collect(scene: Scene): Promise<Scene['outgoing']> {
  await scene.simulator.runDueJobs()
  return scene.outgoing.splice(0)
}

/** Advances time until nothing changes. Webhooks sent meanwhile are delivered once and in order. */
async function settle(scene: Scene): Promise<void> {
  const engine = engineOf(scene, 0)
  for (let round = 0; round < roundsMax; round += 1) {
    scene.simulator.advance(31_000)
    const sent = await collect(scene)
    for (const { headers, body } of sent) await engine.receiveWebhook('stripe', headers, body)
    await scene.database.query(wakeWebhooks)
    const moving = await scene.database.query(wakeCheckouts)
    for (const each of scene.engines) await each.recover()
    if (sent.length + moving.length === 0) return
  }
}

/** How a checkout ended, without IDs and times. */
async function endOf({ database, simulator }: Scene, lockId: string): Promise<object> {
  const [end] = await database.query<object>(readEnd, [lockId])
  const { authorizations, captures, capturedMinor, refundedMinor, openMinor, intents } = simulator.books(lockId)
  const books = { authorizations, captures, capturedMinor, refundedMinor, openMinor }
  return { ...end, books, intents: intents.map(({ status }) => status) }
}

/** The reference: each webhook once, in order, right after its cause. */
async function inOrder(scene: Scene): Promise<Map<WebhookJourney, object>> {
  const ends = new Map<WebhookJourney, object>()
  const engine = engineOf(scene, 0)
  for (const journey of Object.keys(webhookJourneys) as WebhookJourney[]) {
    const lockId = await begin(scene, `in order: ${journey}`)
    for (let step = 0; step < webhookJourneys[journey].length; step += 1) {
      await take(scene, journey, step, lockId, 0)
      for (const { headers, body } of await collect(scene)) await engine.receiveWebhook('stripe', headers, body)
      await engine.recover()
    }
    await settle(scene)
    ends.set(journey, await endOf(scene, lockId))
  }
  return ends
}

/** Changed content under a genuine signature, or genuine content under a forged signature. */
function forged(random: Random, { headers, body }: Event): [Headers, string] {
  const altered = random.below(2) === 0
  const text = body.replace(/"status":"[a-z_]+"/, '"status":"succeeded"').replace(/"id":"evt_/, '"id":"evt_forged')
  const signature = headers.get('stripe-signature') ?? ''
  const false_ = signature.replace(/v1=[0-9a-f]{8}/, `v1=${String(random.below(10)).repeat(8)}`)
  return altered
    ? [headers, text === body ? `${body} ` : text]
    : [new Headers({ 'stripe-signature': false_ === signature ? 't=1,v1=0' : false_ }), body]
}

interface Sequence {
  ends: { journey: WebhookJourney; lockId: string; end: object }[]
  events: WebhooksReport['events']
  schedule: string
}

async function disorderly(scene: Scene, random: Random, deal: () => WebhookJourney, name: string): Promise<Sequence> {
  const travels = await Promise.all(
    Array.from({ length: journeysPerSequence }, async (_, index) => {
      const journey = deal()
      return { journey, lockId: await begin(scene, `${name}, ${index}`), step: 0 }
    }),
  )
  const pool: Event[] = []
  const events = { made: 0, lost: 0, delivered: 0, again: 0, forged: 0, forgedRefused: 0 }
  const order: string[] = []

  async function gather(journey: WebhookJourney): Promise<void> {
    for (const { headers, body } of await collect(scene)) {
      const { type } = JSON.parse(body) as { type: string }
      const copies = Number(random.weighted({ '0': 3, '1': 5, '2': 3, '3': 1 }))
      events.made += 1
      if (copies === 0 && !mustCome(journey, type)) events.lost += 1
      else pool.push({ journey, type, headers, body, copies: Math.max(copies, 1), sent: 0 })
    }
  }

  /** Delivers one to three of the waiting webhooks at once, each to either process. */
  async function deliver(): Promise<void> {
    const chosen = Array.from({ length: Math.min(pool.length, 1 + random.below(3)) }, () => random.pick(pool))
    await Promise.all(
      chosen.map(async event => {
        const engine = engineOf(scene, random.below(2))
        if (random.below(6) === 0) {
          events.forged += 1
          const [headers, body] = forged(random, event)
          if (!(await engine.receiveWebhook('stripe', headers, body))) events.forgedRefused += 1
          return
        }
        event.sent += 1
        if (event.sent > 1) events.again += 1
        events.delivered += 1
        order.push(`${event.journey} ${event.type}`)
        if (!(await engine.receiveWebhook('stripe', event.headers, event.body))) {
          throw new Error(`a genuine webhook was rejected: ${event.type}`)
        }
      }),
    )
    for (const event of pool.filter(({ sent, copies }) => sent >= copies)) pool.splice(pool.indexOf(event), 1)
  }

  for (;;) {
    const going = travels.filter(({ journey, step }) => step < webhookJourneys[journey].length)
    if (going.length + pool.length === 0) break
    if (going.length > 0 && (pool.length === 0 || random.below(2) === 0)) {
      const travel = random.pick(going)
      await take(scene, travel.journey, travel.step, travel.lockId, random.below(2))
      travel.step += 1
      await gather(travel.journey)
    } else await deliver()
    if (random.below(4) === 0) await engineOf(scene, random.below(2)).recover()
  }
  await settle(scene)
  const ends = await Promise.all(
    travels.map(async ({ journey, lockId }) => ({ journey, lockId, end: await endOf(scene, lockId) })),
  )
  const schedule = createHash('sha256').update(order.join('\n')).digest('base64')
  return { ends, events, schedule }
}

/** Runs the proof and closes what it opened. */
export async function proveWebhooks(options: WebhooksOptions): Promise<WebhooksReport> {
  const { sequences, seed } = options
  const startedAt = performance.now()
  const scene = await open(options)
  try {
    const wanted = await inOrder(scene)
    const deal = dealer(createRandom(seed), weights)
    const events = { made: 0, lost: 0, delivered: 0, again: 0, forged: 0, forgedRefused: 0 }
    const journeys: Record<string, number> = {}
    const schedules = new Set<string>()
    const wrong: string[] = []
    let differing = 0
    for (let number = 0; number < sequences; number += 1) {
      const sequence = await disorderly(scene, createRandom(seed + number), deal, `sequence ${number}`)
      schedules.add(sequence.schedule)
      for (const name of Object.keys(events) as (keyof typeof events)[]) events[name] += sequence.events[name]
      for (const { journey, lockId, end } of sequence.ends) {
        journeys[journey] = (journeys[journey] ?? 0) + 1
        if (isDeepStrictEqual(end, wanted.get(journey))) continue
        differing += 1
        const sides = `${JSON.stringify(end)}, expected ${JSON.stringify(wanted.get(journey))}`
        if (wrong.length < wrongMax) wrong.push(`sequence ${number}: ${journey} (${lockId}) ended as ${sides}`)
      }
      options.onSequence?.(number + 1)
    }
    const [open] = await scene.database.query<{ unhandled: number }>(countUnhandled)
    const unhandled = open?.unhandled ?? 0
    const { violations, checkouts, findings } = await engineOf(scene, 0).audit({ drained: true })
    if (unhandled > 0) wrong.push(`${unhandled} webhooks were never processed`)
    if (events.forged !== events.forgedRefused) {
      wrong.push(`${events.forged - events.forgedRefused} forged webhooks were accepted`)
    }
    wrong.push(...findings.flatMap(({ invariant, examples }) => examples.map(example => `${invariant}: ${example}`)))
    const seconds = (performance.now() - startedAt) / 1_000
    const counted = { seed, sequences, schedules: schedules.size, checkouts, journeys, events }
    return { ...counted, differing, unhandled, violations, seconds, wrong }
  } finally {
    await scene.close()
  }
}

const weights = Object.fromEntries(Object.keys(webhookJourneys).map(journey => [journey, 1])) as Record<
  WebhookJourney,
  number
>
