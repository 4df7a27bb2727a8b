/**
 * The broker proof: real servers deliver the events of real checkouts to a real Redis, which is killed and restarted
 * after a deliverer was killed. Protects B4 beyond the shop's own database: each event is in the stream exactly once,
 * and the events of a checkout are in order.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from 'redis'
import { v7 } from 'uuid'
import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'
import type { CheckoutEngine } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import { createCheckout } from '../../packages/holdfast/src/engine/create-checkout.ts'
import { audit } from '../../packages/holdfast/src/observe/audit/audit.ts'
import { createSandboxGateway } from '../../packages/holdfast/src/payments/sandbox/sandbox.ts'
import { createCarts } from '../../packages/holdfast/src/shop/carts/carts.ts'
import { createRedisSink } from '../../packages/holdfast/src/sinks/redis.ts'
import { fillShop, serverEnvironment } from '../buyers/shop.ts'
import { type RedisServer, startRedisServer } from '../processes/redis-server.ts'
import { createServerProcess, type ServerProcess } from '../processes/server-process.ts'
import { createRandom, dealer, type Random } from '../random.ts'

export interface BrokerOptions {
  /** An empty database. */
  databaseUrl: string
  /** The working directory of the servers, which leave nothing there. */
  directory: string
  /** The least number of events. */
  events: number
  /** How often the broker is killed and restarted. */
  restarts: number
  seed: number
  /** Run the result of `npm run build`. */
  isBuilt?: boolean
  onProgress?(published: number, open: number): void
}

export interface BrokerReport {
  seed: number
  checkouts: number
  events: number
  /** Kills and restarts of the broker. */
  restarts: number
  /** Deliveries that failed at least once while the broker was down. */
  refused: number
  /** Deliveries that a killed server had started and another server repeated. */
  takenOver: number
  /** Repeated deliveries whose event was already in the stream. */
  repeated: number
  /** Attempts of all deliveries. */
  tries: number
  entries: number
  lost: number
  /** Entries beyond the first one of an event. */
  twice: number
  /** Entries without an event, or with different content. */
  strange: number
  /** Checkouts whose events are out of order. */
  disordered: number
  /** Events without a delivery, and deliveries that are due or parked. */
  undelivered: { without: number; due: number; parked: number }
  violations: number
  serverErrors: number
  seconds: number
  /** What failed, in sentences; empty if the proof holds. */
  wrong: string[]
}

const sku = 'PLENTY'
const stream = 'shop:events'
const buyersAtOnce = 16
/** Deliveries in progress when a server is killed: more than one of the two servers may have. */
const underWay = 30
/** The longest time for which the broker is frozen, which is less than the timeout of a delivery. */
const frozenMsMax = 3_000
/** An entry that is so much older than its delivery was added by a process that died. */
const olderMs = 10_000
/** Without progress for this long, the drain gives up. */
const standstillMs = 120_000

/** What a buyer does, and how many events that publishes. */
const journeys = { approve: 2, decline: 2, cancel: 3 }
type Journey = keyof typeof journeys

const countOpen = statement(
  'sim_broker_open',
  `select count(*)::int as open, count(*) filter (where last_error is not null)::int as refused,
     count(*) filter (where leased and last_error is null)::int as "underWay"
   from holdfast.deliveries where state = 'due'`,
)
const readEvents = statement(
  'sim_broker_events',
  `select event.id, event.checkout_id as "checkoutId", event.type, delivery.state, delivery.attempts,
     delivery.last_error as "lastError", extract(epoch from delivery.delivered_at)::float8 * 1000 as "deliveredAtMs"
   from holdfast.events event
   left join holdfast.deliveries delivery on delivery.event_id = event.id and delivery.listener = 'redis'
   order by delivery.position`,
)

interface PublishedEvent {
  id: string
  checkoutId: string
  type: string
  /** Null if the event has no delivery. */
  state: 'due' | 'delivered' | 'parked' | null
  attempts: number | null
  lastError: string | null
  deliveredAtMs: number | null
}

interface Entry {
  id: string
  atMs: number
  message: Readonly<Record<string, string>>
}

interface Open {
  open: number
  refused: number
  underWay: number
}

async function until(isSo: () => boolean | Promise<boolean>, everyMs = 20): Promise<void> {
  while (!(await isSo())) await pause(everyMs)
}

async function openIn(database: Database): Promise<Open> {
  const [open] = await database.query<Open>(countOpen)
  return open ?? { open: 0, refused: 0, underWay: 0 }
}

interface Progress {
  published: number
  checkouts: number
  /** Buyers wait at this number of events, so that each disturbance has events to disturb. */
  upTo: number
}

const connectionOf = (url: string) => createClient({ url, RESP: 2 })
type Reader = ReturnType<typeof connectionOf>

async function reading<Result>(url: string, read: (client: Reader) => Promise<Result>): Promise<Result> {
  const client = connectionOf(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return await read(client)
  } finally {
    client.destroy()
  }
}

/** The number of connections that add to the stream. They send a ping now and then. */
const addersAt = (url: string) =>
  reading(url, async client => (await client.clientList()).filter(({ cmd }) => cmd === 'eval' || cmd === 'ping').length)

/** Runs checkouts until there are `events` events, and counts them. */
function publishing(
  { events, random }: { events: number; random: Random },
  engine: CheckoutEngine,
  carts: ReturnType<typeof createCarts>,
) {
  const deal = dealer<Journey>(random, { approve: 7, decline: 2, cancel: 1 })
  const progress: Progress = { published: 0, checkouts: 0, upTo: 0 }

  async function shop(journey: Journey): Promise<void> {
    const sessionId = v7()
    const shippingAddress = {
      firstName: 'Ada',
      lastName: 'Byron',
      lineOne: 'Hafenstraße 1',
      city: 'Hamburg',
      postcode: '20457',
      country: 'DE',
    }
    const lines = [{ sku, quantity: 1 }]
    const cartId = await carts.createCart({ sessionId, email: 'ada@example.com', shippingAddress, lines })
    const { id } = await engine.startCheckout(cartId, { sessionId })
    if (journey === 'cancel') await engine.cancelCheckout(id, { sessionId })
    else await engine.processCheckout(id, { method: 'card', token: `tok_${journey}` })
    progress.checkouts += 1
    progress.published += journeys[journey]
  }

  async function buyer(): Promise<void> {
    while (progress.published < events) {
      if (progress.published < progress.upTo) await shop(deal())
      else await pause(5)
    }
  }
  const done = Promise.all(Array.from({ length: buyersAtOnce }, buyer))
  done.catch(() => {})
  return { progress, done }
}

/**
 * Kills the broker, waits until a delivery fails, restarts it, and waits until all failed deliveries have succeeded.
 */
async function restart(redis: RedisServer, database: Database, random: Random): Promise<void> {
  await redis.kill()
  await until(async () => (await openIn(database)).refused > 0)
  await pause(random.between(100, 1_500))
  await redis.start()
  await until(async () => (await openIn(database)).refused === 0)
}

interface Scene {
  redis: RedisServer
  servers: readonly ServerProcess[]
  database: Database
  random: Random
}

/**
 * Kills a server between the effect of a delivery and its record. The frozen broker executes what the server sent as
 * soon as it continues, when the server no longer exists.
 */
async function killDeliverer({ redis, servers, database, random }: Scene): Promise<void> {
  const victim = random.pick(servers)
  await until(async () => (await addersAt(redis.url)) >= servers.length)
  const deadline = performance.now() + frozenMsMax
  redis.freeze()
  await until(async () => (await openIn(database)).underWay >= underWay || performance.now() > deadline)
  // Deliveries are sent shortly after they are leased.
  await pause(500)
  await victim.kill()
  redis.thaw()
  await victim.start()
}

/** Disturbs at points spread over the events: first the kill of a deliverer, then the restarts of the broker. */
async function disturb(options: BrokerOptions, scene: Scene, progress: Progress): Promise<void> {
  const { redis, database, random } = scene
  const { events, restarts } = options
  const reached = (share: number) => until(() => progress.published >= share * events, 5)
  progress.upTo = events / (restarts + 1)
  await reached(random.between(0.1, 0.5) / (restarts + 1))
  await killDeliverer(scene)
  for (let number = 1; number <= restarts; number += 1) {
    progress.upTo = ((number + 1) * events) / (restarts + 1)
    await reached((number + random.between(0.1, 0.5)) / (restarts + 1))
    await restart(redis, database, random)
  }
}

/** Waits until no delivery is due, or none makes progress. */
async function drained(database: Database, report: (open: number) => void): Promise<void> {
  let open = Number.POSITIVE_INFINITY
  let movedAt = performance.now()
  while (open > 0 && performance.now() - movedAt < standstillMs) {
    const now = (await openIn(database)).open
    if (now < open) movedAt = performance.now()
    open = now
    report(open)
    await pause(100)
  }
}

async function readStream(client: Reader): Promise<Entry[]> {
  const entries: Entry[] = []
  for (let from = '-'; ; ) {
    const page = (await client.xRange(stream, from, '+', { COUNT: 1_000 })) as Omit<Entry, 'atMs'>[]
    const last = page.at(-1)
    if (last === undefined) return entries
    entries.push(...page.map(entry => ({ ...entry, atMs: Number.parseInt(entry.id, 10) })))
    from = `(${last.id}`
  }
}

/** The order of the events of each checkout, as one text per checkout. */
function ordersOf(events: readonly { id: string; checkoutId: string }[]): Map<string, string> {
  const orders = new Map<string, string>()
  for (const { id, checkoutId } of events) orders.set(checkoutId, `${orders.get(checkoutId) ?? ''} ${id}`)
  return orders
}

function compare(events: readonly PublishedEvent[], entries: readonly Entry[]) {
  const byId = new Map(events.map(event => [event.id, event]))
  const found = new Map<string, { id: string; checkoutId: string; atMs: number }>()
  let twice = 0
  let strange = 0
  for (const { atMs, message } of entries) {
    const { id = '', type, checkout_id: checkoutId = '' } = message
    const event = byId.get(id)
    if (event === undefined || event.type !== type || event.checkoutId !== checkoutId) strange += 1
    else if (found.has(id)) twice += 1
    else found.set(id, { id, checkoutId, atMs })
  }
  const wanted = ordersOf(events.filter(({ id }) => found.has(id)))
  const inStream = ordersOf([...found.values()])
  const disordered = [...wanted].filter(([checkoutId, order]) => inStream.get(checkoutId) !== order).length
  const takenOver = events.filter(({ attempts, lastError }) => lastError === null && (attempts ?? 0) > 1)
  const isOlder = ({ id, deliveredAtMs }: PublishedEvent) =>
    (deliveredAtMs ?? 0) - (found.get(id)?.atMs ?? Number.POSITIVE_INFINITY) > olderMs
  const countOf = (state: PublishedEvent['state']) => events.filter(event => event.state === state).length
  return {
    entries: entries.length,
    lost: events.length - found.size,
    twice,
    strange,
    disordered,
    undelivered: { without: countOf(null), due: countOf('due'), parked: countOf('parked') },
    refused: events.filter(({ lastError }) => lastError !== null).length,
    takenOver: takenOver.length,
    repeated: takenOver.filter(isOlder).length,
    tries: events.reduce((sum, { attempts }) => sum + (attempts ?? 0), 0),
  }
}

function wrongIn(report: Omit<BrokerReport, 'wrong'>, wanted: BrokerOptions): string[] {
  const { without, due, parked } = report.undelivered
  const nothing: Record<string, number> = {
    'events lost': report.lost,
    'duplicate entries of an event': report.twice,
    'entries without an event': report.strange,
    'checkouts with events out of order': report.disordered,
    'events without a delivery': without,
    'deliveries still due': due,
    'deliveries parked': parked,
    'violations found by the audit': report.violations,
    'errors in the servers’ logs': report.serverErrors,
  }
  const wrong = Object.entries(nothing)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name}: ${count}`)
  if (report.events < wanted.events) wrong.push(`events: ${report.events}, expected at least ${wanted.events}`)
  // A run without any effect on the broker proves nothing.
  if (report.refused === 0) wrong.push('no delivery failed while the broker was down')
  if (report.repeated === 0) wrong.push('no server died between adding an event and recording the delivery')
  return wrong
}

export async function proveBroker(options: BrokerOptions): Promise<BrokerReport> {
  const { databaseUrl, directory, isBuilt = false, seed } = options
  const startedAt = performance.now()
  const random = createRandom(seed)
  const closing: (() => Promise<unknown>)[] = []
  try {
    const database = await connectPostgres({ url: databaseUrl, poolMax: 8 })
    closing.push(() => database.close())
    await fillShop(database, [{ sku, priceMinor: 2_000, quantity: 1_000_000 }])
    const redis = await startRedisServer()
    closing.push(() => redis.stop())
    const environment = { ...serverEnvironment, CHECKOUT_REDIS_URL: redis.url, CHECKOUT_REDIS_STREAM: stream }
    const servers = await Promise.all(
      [1, 2].map(() => createServerProcess({ directory, databaseUrl, environment, isBuilt })),
    )
    closing.push(() => Promise.all(servers.map(server => server.stop())))
    await Promise.all(servers.map(server => server.start()))

    // The buyers' process publishes but never delivers; its listeners decide which deliveries are created.
    const sink = createRedisSink({ url: redis.url, stream })
    closing.push(() => sink.close())
    const ledger = await connectPostgres({ url: databaseUrl, poolMax: 4 })
    closing.push(() => ledger.close())
    const gateway = createSandboxGateway({ database: ledger })
    closing.push(() => gateway.close())
    const engine = await createCheckout({
      database,
      gateways: { card: gateway },
      listeners: sink.listeners,
      workers: false,
      migrate: false,
      config: { currency: 'EUR', secret: serverEnvironment.CHECKOUT_SECRET ?? null },
    })
    closing.push(() => engine.close())
    const { progress, done } = publishing(
      { events: options.events, random },
      engine,
      createCarts(database, { currency: 'EUR' }),
    )
    await Promise.all([disturb(options, { redis, servers, database, random }, progress), done])
    await drained(database, open => options.onProgress?.(progress.published, open))

    const events = await database.query<PublishedEvent>(readEvents)
    const { violations } = await audit(database, { ledger: 'sandbox', drained: true })
    const report = {
      seed,
      checkouts: progress.checkouts,
      events: events.length,
      restarts: options.restarts,
      ...compare(events, await reading(redis.url, readStream)),
      violations,
      serverErrors: servers.reduce((sum, { errors }) => sum + errors.length, 0),
      seconds: (performance.now() - startedAt) / 1000,
    }
    return { ...report, wrong: wrongIn(report, options) }
  } finally {
    for (const close of closing.reverse()) await close()
  }
}
