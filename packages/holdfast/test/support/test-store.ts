/**
 * A small shop on a test database, with engines without workers. Time passes only when a test changes columns of the
 * database. After each test the shop is drained, and the audit must find nothing.
 */
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { type Database, statement } from '../../src/database/database.ts'
import { connectPostgres } from '../../src/database/postgres/postgres.ts'
import type { Address } from '../../src/domain/cart.ts'
import type { CheckoutLock } from '../../src/domain/lock.ts'
import type { CheckoutEngine, StartOptions } from '../../src/engine/checkout-engine.ts'
import { type CheckoutOptions, createCheckout } from '../../src/engine/create-checkout.ts'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import type { SandboxFaults } from '../../src/payments/sandbox/faults.ts'
import { createSandboxGateway, type SandboxGateway } from '../../src/payments/sandbox/sandbox.ts'
import { secondCallAfterMs } from '../../src/saga/drive.ts'
import { type Carts, createCarts, type NewCart } from '../../src/shop/carts/carts.ts'
import { upsertCoupon } from '../../src/shop/catalog/coupons.ts'
import { upsertShippingMethod } from '../../src/shop/catalog/shipping.ts'
import { setStocks, upsertLocation } from '../../src/shop/catalog/stock.ts'
import { upsertTaxRates } from '../../src/shop/catalog/taxes.ts'
import { type CheckoutFacts, readCheckoutFacts, readStockOf } from './store-facts.ts'
import { type DatabaseKind, openTestDatabase, type TestDatabase } from './test-database.ts'

/** Sweden: the test shop has no tax rate there, so a total is the lines plus 5.00 for shipping. */
export const address: Address = {
  firstName: 'Ada',
  lastName: 'Byron',
  lineOne: 'Storgatan 1',
  city: 'Stockholm',
  postcode: '111 22',
  country: 'SE',
}
/** Cost of the only shipping method, in every country. */
export const shippingMinor = 500
export const secret = 'a secret that every process of the shop knows'

export interface Article {
  /** Units in the first and second warehouse. Default 100 in the first. */
  stock?: readonly [number, number?]
  /** In USD. Default 1,000. */
  priceMinor?: number
  policy?: 'deny' | 'continue'
  requiresShipping?: boolean
  taxClass?: string
}

export interface Begun {
  cartId: string
  sessionId: string
  lockId: string
  lock: CheckoutLock
}

export interface TestStore {
  kind: DatabaseKind
  database: Database
  carts: Carts
  gateway: SandboxGateway
  /** An engine without injected faults. */
  engine: CheckoutEngine
  /** The receiver of the gateway's webhooks. Null, at the start of each test: webhooks are lost. */
  webhooks: { to: CheckoutEngine | null }
  /** Faults of gateway calls. None at the start of each test. */
  faults: { with: SandboxFaults | null }
  /** Opens another engine, on separate connections if `apart`, else on the shop's database. */
  open(options?: EngineOptions & { apart?: boolean }): Promise<CheckoutEngine>
  /** Adds a new article and returns its SKU. */
  article(article?: Article): Promise<string>
  cart(lines: Readonly<Record<string, number>>, more?: Partial<NewCart>): Promise<{ cartId: string; sessionId: string }>
  /** Creates a cart and a lock on it. */
  begin(
    lines: Readonly<Record<string, number>>,
    more?: { cart?: Partial<NewCart>; start?: Partial<StartOptions>; engine?: CheckoutEngine },
  ): Promise<Begun>
  facts(lockId: string): Promise<CheckoutFacts>
  stock(sku: string): Promise<{ onHand: number; reserved: number }>
  sql<Row>(text: string, values?: readonly (string | number | null)[]): Promise<Row[]>
  /** Makes the lock expire. */
  expire(lockId: string): Promise<void>
  /** Makes the next visit due, even if a lease is active. */
  wake(lockId: string): Promise<void>
  /** Advances the gateway's clock and runs its due jobs. */
  pass(ms: number): Promise<void>
  /** Recovers (by default with the shop's engine) and delivers until nothing changes any more. */
  drain(by?: CheckoutEngine): Promise<void>
  /** Findings of the audit. Empty if there are none. */
  violations(options?: { drained?: boolean }): Promise<string[]>
  stop(): Promise<void>
}

/** Options of an engine, with the gateway for all its payments. */
export type EngineOptions = Omit<CheckoutOptions, 'gateways'> & { gateway?: PaymentGateway }

let numbered = 0
const unique = (word: string) => {
  numbered += 1
  return `${word}-${numbered}`
}

const expireOne = statement(
  'test_expire',
  `update holdfast.checkouts set expires_at = now() - interval '1 second',
     wake_at = case when state in ('pending', 'awaiting_action') then now() - interval '1 second' else wake_at end
   where id = $1::uuid`,
)
const wakeOne = statement(
  'test_wake',
  `update holdfast.checkouts set wake_at = now() - interval '1 second' where id = $1::uuid`,
)
const wakeAll = statement(
  'test_wake_all',
  `update holdfast.checkouts set wake_at = now() - interval '1 second'
   where wake_at is not null and (state in ('authorizing', 'capturing', 'rolling_back', 'completed', 'failed')
     or state in ('pending', 'awaiting_action') and expires_at <= now())
   returning id`,
)
const insertArticle = statement(
  'test_insert_article',
  `with product as (
     insert into holdfast.products (id, handle, title) values (gen_random_uuid(), lower($1), $1) returning id
   ), variant as (
     insert into holdfast.variants (id, product_id, sku, position, stock_policy, requires_shipping, tax_class)
     select gen_random_uuid(), id, $1, 1, $3, $4::boolean, $5 from product returning id
   )
   insert into holdfast.prices (variant_id, currency, amount_minor) select id, 'USD', $2::bigint from variant`,
)

/** Warehouses, shipping, taxes, and a coupon. */
async function seedTerms(database: Database): Promise<void> {
  await Promise.all([
    upsertLocation(database, { code: 'main', priority: 1 }),
    upsertLocation(database, { code: 'annex', priority: 2 }),
    upsertShippingMethod(database, {
      code: 'std',
      name: 'Standard',
      taxClass: 'exempt',
      rates: [{ country: '*', currency: 'USD', amountMinor: shippingMinor }],
    }),
    upsertTaxRates(database, [
      { country: 'DE', name: 'VAT', ratePpm: 190_000, included: true },
      { country: 'US', name: 'Sales tax', ratePpm: 70_000, included: false },
      { country: '*', taxClass: 'exempt', name: 'None', ratePpm: 0, included: true },
    ]),
    upsertCoupon(database, { code: 'TEN', discount: { ratePpm: 100_000 } }),
  ])
}

async function drain(store: TestStore, by: CheckoutEngine, engines: readonly CheckoutEngine[]): Promise<void> {
  for (let round = 0; round < 40; round += 1) {
    await store.pass(60_001)
    const moving = await store.database.query(wakeAll)
    await by.recover()
    let delivered = 0
    for (const { deliverer } of engines) {
      const summary = await deliverer.runOnce()
      delivered += summary.delivered + summary.failed
    }
    if (moving.length + delivered === 0) return
  }
  const open = await store.sql(
    `select id, state, epoch, tries, lease_owner, (
       select json_agg(json_build_object('key', idempotency_key, 'answer', answer)) from holdfast.payment_operations
       where checkout_id = c.id and status = 'intended') as open
     from holdfast.checkouts c where wake_at is not null`,
  )
  throw new Error(`the shop does not converge: ${JSON.stringify(open)}`)
}

/** Opens an empty database for a store. */
type OpenDatabase = (kind: DatabaseKind) => Promise<TestDatabase>

/** @param openDatabase Default: a new database on the server of this run, or an embedded one. */
export async function openTestStore(
  kind: DatabaseKind,
  openDatabase: OpenDatabase = each => openTestDatabase(each, { poolMax: 12 }),
): Promise<TestStore> {
  const { database, url, stop } = await openDatabase(kind)
  const opened: CheckoutEngine[] = []
  const connections: Database[] = []
  const connect = async (poolMax: number): Promise<Database> => {
    if (url === undefined) return database
    const connection = await connectPostgres({ url, poolMax })
    connections.push(connection)
    return connection
  }
  const webhooks: TestStore['webhooks'] = { to: null }
  const faults: TestStore['faults'] = { with: null }
  let passedMs = 0
  const gateway = createSandboxGateway({
    database: await connect(4),
    clock: () => Date.now() + passedMs,
    delays: { lateMs: 60_000, pendingMs: 5_000, slowMs: 5 },
    faults: call => faults.with?.(call) ?? null,
    deliverWebhook: async (headers, body) => {
      await webhooks.to?.receiveWebhook('sandbox', headers, body)
    },
  })
  await seedTerms(database)

  async function open({
    apart = false,
    gateway: given = gateway,
    ...options
  }: EngineOptions & { apart?: boolean } = {}) {
    const engine = await createCheckout({
      database: apart ? await connect(6) : database,
      gateways: { card: given },
      workers: false,
      migrate: false,
      ...options,
      clock: options.clock ?? hasteClock,
      config: { secret, ...options.config },
      numbers: { answerWithinMs: 5_000, gatewayTimeoutMs: 1_000, ...options.numbers },
    })
    // An engine on a database of the test may die with it and never close.
    if (options.database === undefined) opened.push(engine)
    return engine
  }
  const engine = await open()
  const carts = createCarts(database, { currency: 'USD' })

  const store: TestStore = {
    kind,
    database,
    carts,
    gateway,
    engine,
    webhooks,
    faults,
    open,
    async article({
      stock = [100],
      priceMinor = 1_000,
      policy = 'deny',
      requiresShipping = true,
      taxClass = 'standard',
    } = {}) {
      const sku = unique('SKU')
      await database.query(insertArticle, [sku, priceMinor, policy, requiresShipping, taxClass])
      const [main, annex] = stock
      const levels = [{ sku, location: 'main', quantity: main }]
      if (annex !== undefined) levels.push({ sku, location: 'annex', quantity: annex })
      await setStocks(database, levels)
      return sku
    },
    async cart(lines, more = {}) {
      const sessionId = more.sessionId ?? unique('session')
      const cartId = await carts.createCart({
        email: `${sessionId}@example.com`,
        shippingAddress: address,
        lines: Object.entries(lines).map(([sku, quantity]) => ({ sku, quantity })),
        ...more,
        sessionId,
      })
      return { cartId, sessionId }
    },
    async begin(lines, more = {}) {
      const { cartId, sessionId } = await store.cart(lines, more.cart)
      const lock = await (more.engine ?? engine).startCheckout(cartId, { sessionId, ...more.start })
      return { cartId, sessionId, lockId: lock.id, lock }
    },
    facts: lockId => readCheckoutFacts(database, lockId),
    stock: sku => readStockOf(database, sku),
    sql: (text, values = []) => database.query(statement(`test_sql_${textHash(text)}`, text), values),
    async expire(lockId) {
      await database.query(expireOne, [lockId])
    },
    async wake(lockId) {
      await database.query(wakeOne, [lockId])
    },
    async pass(ms) {
      passedMs += ms
      await gateway.runDueJobs()
    },
    drain: (by = engine) => drain(store, by, opened),
    async violations(options) {
      const { findings } = await engine.audit(options)
      return findings
        .filter(found => found.violations > 0)
        .map(found => `${found.invariant}: ${found.examples.join('; ')}`)
    },
    async stop() {
      await Promise.all(opened.map(each => each.close()))
      await gateway.close()
      await Promise.all(connections.map(connection => connection.close()))
      await stop()
    },
  }
  return store
}

/** Skips the pause before the second call of a gateway; all other timers are real. */
const hasteClock = {
  after(ms: number, run: () => void) {
    const timer = setTimeout(run, ms === secondCallAfterMs ? 0 : ms)
    return () => clearTimeout(timer)
  },
}

function textHash(text: string): string {
  let hash = 0
  for (const letter of text) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0
  return hash.toString(36)
}

/**
 * Runs a suite on both databases, or those of `kinds`. After each test the shop is drained and audited. On the embedded
 * database, where an audit takes as long as ten tests, the audit runs once at the end.
 */
export function describeStore(
  title: string,
  suite: (store: TestStore) => void,
  kinds: readonly DatabaseKind[] = ['postgres', 'embedded'],
  openDatabase?: OpenDatabase,
): void {
  describe.each(kinds)(`${title} (%s)`, kind => {
    const store = {} as TestStore
    beforeAll(async () => {
      Object.assign(store, await openTestStore(kind, openDatabase))
    })
    afterEach(async () => {
      store.webhooks.to = null
      store.faults.with = null
      await store.drain()
      if (kind === 'postgres') expect(await store.violations({ drained: true })).toEqual([])
    })
    afterAll(async () => {
      if (kind === 'embedded') expect(await store.violations({ drained: true })).toEqual([])
      await store.stop()
    })
    suite(store)
  })
}
