/**
 * The baseline: the checkout that a careful engineer writes on `pg`. A chain of short transactions with gateway
 * calls between them, and the same guarantees and rows as the engine: intents before effects, one lock order, fenced
 * writes, history, snapshots, events.
 *
 * The baseline is meant to be good: named prepared statements, multi-row inserts, reads before the first stock lock,
 * and stock last in its transaction, so that hot rows are locked briefly. Each statement is awaited; the engine's
 * pipelining and batching are what is compared. Left out in its favour: refusals, rollback, recovery, and the check for
 * price drift.
 */
import pg from 'pg'
import { v7 as uuid } from 'uuid'
import { keyedPlans } from '../packages/holdfast/src/database/planner.ts'
import { allocate, type StockAt } from '../packages/holdfast/src/domain/allocation.ts'
import type { Address, Cart } from '../packages/holdfast/src/domain/cart.ts'
import { quote } from '../packages/holdfast/src/domain/pricing.ts'
import type { Quote } from '../packages/holdfast/src/domain/quote.ts'
import type { GatewayAnswer, PaymentGateway } from '../packages/holdfast/src/payments/gateway.ts'
import { createTokenSeal } from '../packages/holdfast/src/payments/token-seal.ts'
import { sql } from './baseline-statements.ts'
import type { Sold, Wish } from './load.ts'

export interface BaselineOptions {
  url: string
  poolMax: number
  gateway: PaymentGateway
  currency: string
  address: Address
}

export interface Baseline {
  checkOut(lines: readonly Wish[]): Promise<Sold>
  close(): Promise<void>
}

interface CheckoutRow {
  id: string
  cart_id: string
  session_id: string
  version: number
  epoch: number
  locked_at: Date
  expires_at: Date
  completed_at: Date | null
}

/** What is known about a checkout once its prices are locked. */
interface Prepared {
  quote: Quote
  email: string | null
  address: Address
  parts: { variantIds: string[]; locationIds: (string | null)[]; quantities: number[] }
}

const leaseOwner = `baseline:${process.pid}`
const gatewayTimeoutMs = 10_000
const retriesMax = 10

type Run = <Row extends pg.QueryResultRow = pg.QueryResultRow>(
  name: keyof typeof sql,
  values: readonly unknown[],
) => Promise<pg.QueryResult<Row>>

export function createBaseline(options: BaselineOptions): Baseline {
  const { gateway, currency, address } = options
  const seal = createTokenSeal('the benchmark has no secrets')
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolMax,
    application_name: 'baseline',
    // Like the engine's connections: plans by key from the start, which a running shop has anyway.
    options: Object.entries(keyedPlans)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types: {
      getTypeParser: ((oid: number, format: 'text') =>
        oid === 20 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  })
  pool.on('error', () => {})

  const runOn =
    (client: Pick<pg.PoolClient, 'query'>): Run =>
    (name, values) =>
      client.query({ name, text: sql[name], values: [...values] })

  async function transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    for (let retry = 0; ; retry += 1) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const result = await work(runOn(client))
        await client.query('commit')
        client.release()
        return result
      } catch (error) {
        const undone = await client.query('rollback').then(
          () => true,
          () => false,
        )
        client.release(!undone)
        const code = (error as { code?: unknown }).code
        if ((code !== '40001' && code !== '40P01') || retry === retriesMax) throw error
      }
    }
  }

  /** A cart with its lines. One statement is one transaction. */
  async function createCart(sessionId: string, lines: readonly Wish[]): Promise<string> {
    const cartId = uuid()
    const lineIds = lines.map(() => uuid())
    await runOn(pool as unknown as pg.PoolClient)('base_create_cart', [
      cartId,
      sessionId,
      currency,
      'ada@example.com',
      address,
      lineIds,
      lines.map(line => line.sku),
      lines.map(line => line.quantity),
    ])
    return cartId
  }

  function start(cartId: string, sessionId: string): Promise<CheckoutRow> {
    return transaction(async run => {
      const cart = await run<{ session_id: string; has_lines: boolean }>('base_lock_cart', [cartId])
      if (cart.rows[0]?.session_id !== sessionId || !cart.rows[0].has_lines) throw new Error('no such cart')
      const started = await run<CheckoutRow>('base_insert_checkout', [uuid(), cartId, sessionId])
      const row = started.rows[0]
      if (row === undefined) throw new Error('the cart is locked')
      await run('base_insert_start', [row.id])
      await run('base_insert_event', [uuid(), row.id, 'CheckoutStarted', { lock: lockOf(row, 'pending', null) }])
      return row
    })
  }

  /** Validates, prices, reserves, and writes the intent to authorize. */
  function prepare(row: CheckoutRow, token: string): Promise<Prepared> {
    return transaction(async run => {
      const locked = await run('base_lock_checkout', [row.id, row.version])
      if (locked.rowCount !== 1) throw new Error('the checkout is no longer pending')
      const cart = await readCart(run, row.cart_id)
      if (cart.shippingAddress === null) throw new Error('no address')
      const quoted = await price(run, cart, cart.shippingAddress)
      const { totalMinor } = quoted
      const details = {
        method: 'card',
        email: cart.email,
        shippingAddress: cart.shippingAddress,
        billingAddress: cart.billingAddress ?? cart.shippingAddress,
        shippingMethod: cart.shippingMethod,
        notes: null,
        returnUrl: null,
        captureLater: false,
      }
      await run('base_insert_snapshots', [row.id, currency, JSON.stringify(snapshotsOf(quoted))])
      await run('base_insert_intent', [row.id, 'authorize', gateway.name, totalMinor, currency, 'baseline', null])
      await run('base_to_authorizing', [
        row.id,
        row.version,
        leaseOwner,
        currency,
        totalMinor,
        gateway.name,
        details,
        seal.seal(row.id, token),
      ])
      await run('base_insert_preparation', [row.id, row.epoch + 1])
      const parts = await hold(run, row.id, cart)
      return { quote: quoted, email: cart.email, address: cart.shippingAddress, parts }
    })
  }

  async function readCart(run: Run, cartId: string): Promise<Cart> {
    const carts = await run<Omit<Cart, 'lines'>>('base_read_cart', [cartId])
    const lines = await run<Cart['lines'][number]>('base_read_cart_lines', [cartId])
    const cart = carts.rows[0]
    if (cart === undefined || lines.rows.length === 0) throw new Error('no such cart')
    return { ...cart, lines: lines.rows }
  }

  async function price(run: Run, cart: Cart, shippingAddress: Address): Promise<Quote> {
    const taxes = await run<Parameters<typeof quote>[1]['taxRates'][number]>('base_read_taxes', [
      shippingAddress.country,
    ])
    const shipping = await run<Parameters<typeof quote>[1]['shipping'][number]>('base_read_shipping', [
      shippingAddress.country,
      cart.currency,
    ])
    const quoted = quote(cart, {
      shippingAddress,
      coupon: null,
      taxRates: taxes.rows,
      shipping: shipping.rows,
      shippingMethod: cart.shippingMethod,
      baseCurrency: currency,
      exchangeRates: [],
      now: new Date().toISOString(),
    })
    if (!quoted.ok) throw new Error(quoted.failure.message)
    return quoted.quote
  }

  /** Stock rows are the most contended, so they are locked last and released immediately. */
  async function hold(run: Run, checkoutId: string, cart: Cart): Promise<Prepared['parts']> {
    const levels = await run<StockAt & { variantId: string }>('base_lock_stock', [
      cart.lines.map(line => line.variantId),
    ])
    const stock = new Map<string, StockAt[]>()
    for (const level of levels.rows) stock.set(level.variantId, [...(stock.get(level.variantId) ?? []), level])
    const allocation = allocate(
      cart.lines.map((line, index) => ({ ...line, lineNo: index + 1 })),
      stock,
    )
    if (!allocation.ok) throw new Error(allocation.failure.message)
    const parts = {
      variantIds: allocation.parts.map(part => part.variantId),
      locationIds: allocation.parts.map(part => part.locationId),
      quantities: allocation.parts.map(part => part.quantity),
    }
    await run('base_insert_reservations', [
      checkoutId,
      allocation.parts.map(part => part.lineNo),
      allocation.parts.map(part => part.partNo),
      allocation.parts.map(part => part.sku),
      parts.variantIds,
      parts.locationIds,
      parts.quantities,
    ])
    await run('base_add_reserved', [parts.variantIds, parts.locationIds, parts.quantities])
    return parts
  }

  async function call(
    run: (signal: AbortSignal) => Promise<GatewayAnswer>,
  ): Promise<Extract<GatewayAnswer, { outcome: 'succeeded' }>> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), gatewayTimeoutMs)
    try {
      const answer = await run(controller.signal)
      if (answer.outcome !== 'succeeded') throw new Error(`the gateway said ${answer.outcome}`)
      return answer
    } finally {
      clearTimeout(timer)
    }
  }

  /** Records the authorization, creates the order, firms the reservations, and writes the intent to capture. */
  function place(
    row: CheckoutRow,
    prepared: Prepared,
    answer: Extract<GatewayAnswer, { outcome: 'succeeded' }>,
  ): Promise<string> {
    const { quote: quoted, email } = prepared
    const orderId = uuid()
    return transaction(async run => {
      const moved = await run('base_to_capturing', [row.id, row.version + 4, row.epoch + 1, answer.validUntil ?? null])
      if (moved.rowCount !== 1) throw new Error('another process has taken over')
      await run('base_settle_operation', [row.id, 'authorize', answer.reference, answer])
      await run('base_insert_order', [
        orderId,
        row.id,
        row.session_id,
        email,
        currency,
        quoted.subtotalMinor,
        quoted.discountMinor,
        quoted.taxMinor,
        quoted.shippingMinor,
        quoted.totalMinor,
        prepared.address,
        quoted.shipping?.code ?? null,
      ])
      await run('base_insert_order_lines', [orderId, row.id])
      await run('base_move_reservations', [row.id, 'held', 'firm'])
      await run('base_insert_intent', [
        row.id,
        'capture',
        gateway.name,
        quoted.totalMinor,
        currency,
        'baseline',
        answer.reference,
      ])
      await run('base_insert_placing', [row.id, row.epoch + 1])
      return orderId
    })
  }

  /** Records the capture, pays the order, completes the checkout, publishes the events, and removes the stock. */
  function settle(
    row: CheckoutRow,
    { parts }: Prepared,
    orderId: string,
    answer: Extract<GatewayAnswer, { outcome: 'succeeded' }>,
  ): Promise<void> {
    return transaction(async run => {
      const moved = await run<{ completed_at: Date }>('base_to_completed', [row.id, row.version + 6, row.epoch + 1])
      const completedAt = moved.rows[0]?.completed_at
      if (completedAt === undefined) throw new Error('another process has taken over')
      await run('base_settle_operation', [row.id, 'capture', answer.reference, answer])
      await run('base_move_reservations', [row.id, 'firm', 'committed'])
      await run('base_pay_order', [orderId])
      await run('base_insert_settling', [row.id, row.epoch + 1])
      const lock = lockOf(row, 'completed', completedAt)
      await run('base_insert_event', [uuid(), row.id, 'CheckoutCompleted', { lock, orderId }])
      await run('base_lock_levels', [parts.variantIds, parts.locationIds])
      await run('base_take_from_stock', [parts.variantIds, parts.locationIds, parts.quantities])
    })
  }

  return {
    async checkOut(lines) {
      const sessionId = uuid()
      const cartId = await createCart(sessionId, lines)
      const row = await start(cartId, sessionId)
      const token = 'tok_approve'
      const prepared = await prepare(row, token)
      const { totalMinor: amountMinor } = prepared.quote
      const asked = { checkoutId: row.id, amountMinor, currency }
      const authorized = await call(signal =>
        gateway.authorize({
          ...asked,
          idempotencyKey: `${row.id}:authorize:1`,
          signal,
          method: 'card',
          token,
          returnUrl: null,
          reference: null,
          keep: async reference => reference,
        }),
      )
      const orderId = await place(row, prepared, authorized)
      const { reference } = authorized
      const captured = await call(signal =>
        gateway.capture({ ...asked, idempotencyKey: `${row.id}:capture:1`, signal, reference, orderId }),
      )
      await settle(row, prepared, orderId, captured)
      return { checkoutId: row.id, orderId }
    },
    close: () => pool.end(),
  }
}

function lockOf(row: CheckoutRow, state: string, completedAt: Date | null): Record<string, unknown> {
  return {
    id: row.id,
    cartId: row.cart_id,
    sessionId: row.session_id,
    userId: null,
    state,
    phase: null,
    failure: null,
    lockedAt: row.locked_at,
    expiresAt: row.expires_at,
    completedAt,
    failedAt: null,
    metadata: {},
  }
}

function snapshotsOf(quoted: Quote): Record<string, unknown>[] {
  const { coupon, shipping, taxes, baseCurrency, exchangeRate } = quoted
  return [
    {
      line_no: 0,
      subtotal_minor: quoted.subtotalMinor,
      discount_minor: quoted.discountMinor,
      tax_minor: quoted.taxMinor,
      added_tax_minor: quoted.addedTaxMinor,
      shipping_minor: quoted.shippingMinor,
      total_minor: quoted.totalMinor,
      details: { coupon, shipping, taxes, baseCurrency, exchangeRate },
    },
    ...quoted.lines.map(line => ({
      line_no: line.lineNo,
      sku: line.sku,
      title: line.title,
      quantity: line.quantity,
      unit_minor: line.unitMinor,
      subtotal_minor: line.subtotalMinor,
      discount_minor: line.discountMinor,
      tax_minor: line.taxMinor,
      added_tax_minor: line.addedTaxMinor,
      shipping_minor: 0,
      total_minor: line.totalMinor,
      details: {
        taxRatePpm: line.taxRatePpm,
        taxName: line.taxName,
        taxIncluded: line.taxIncluded,
        taxClass: line.taxClass,
      },
    })),
  ]
}
