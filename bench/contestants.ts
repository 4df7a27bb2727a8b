/**
 * The two sides of the benchmark: the engine as an application uses it, and the hand-written baseline. Each side has
 * its own database with the same shop, and a sandbox gateway whose ledger uses separate connections.
 */

import type { Database } from '../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../packages/holdfast/src/database/postgres/postgres.ts'
import type { AuditReport } from '../packages/holdfast/src/engine/checkout-engine.ts'
import { createCheckout } from '../packages/holdfast/src/engine/create-checkout.ts'
import { audit } from '../packages/holdfast/src/observe/audit/audit.ts'
import { createSandboxGateway } from '../packages/holdfast/src/payments/sandbox/sandbox.ts'
import { createCarts } from '../packages/holdfast/src/shop/carts/carts.ts'
import { createTestDatabase, dropTestDatabase } from '../packages/testing/src/postgres/test-postgres.ts'
import { createBaseline } from './baseline.ts'
import type { CheckOut, Sold } from './load.ts'
import { buyerAddress, currency, openShop, rowsPerCheckout } from './shop.ts'

export type Side = 'holdfast' | 'baseline'

export interface Evidence {
  audit: AuditReport
  rowsPerCheckout: Record<string, number>
}

export interface Contestant {
  /** Runs `measure` with a checkout function over `connections` connections. The engine keeps its own pool. */
  withConnections<T>(poolMax: number, measure: (checkOut: CheckOut) => Promise<T>): Promise<T>
  /** Records an order, for the audit compares acknowledged orders with stored ones. */
  onSold(sold: Sold): void
  /** Stops the side, audits what it wrote, and drops its database. */
  finish(): Promise<Evidence>
}

const email = 'ada@example.com'
const ledgerConnections = 4

export async function openContestant(side: Side, serverUrl: string): Promise<Contestant> {
  const url = await createTestDatabase(serverUrl)
  const database = await connectPostgres({ url })
  const ledger = await connectPostgres({ url, poolMax: ledgerConnections })
  const gateway = createSandboxGateway({ database: ledger })
  await openShop(database)
  const sold: Sold[] = []

  async function finish(closeEngine: () => Promise<void>): Promise<Evidence> {
    await closeEngine()
    await gateway.close()
    await ledger.close()
    const acknowledged = sold.map(one => ({ ...one, state: 'completed' as const }))
    const report = await audit(database, { ledger: 'sandbox', drained: true, acknowledged })
    const rows = await rowsPerCheckout(database, sold.length)
    await database.close()
    await dropTestDatabase(serverUrl, url)
    return { audit: report, rowsPerCheckout: rows }
  }

  const onSold = (one: Sold) => void sold.push(one)
  if (side === 'baseline') {
    return {
      onSold,
      async withConnections(poolMax, measure) {
        const baseline = createBaseline({ url, poolMax, gateway, currency, address: buyerAddress })
        try {
          return await measure(baseline.checkOut)
        } finally {
          await baseline.close()
        }
      },
      finish: () => finish(async () => {}),
    }
  }
  const engine = await openEngine(database, gateway)
  return {
    onSold,
    withConnections: (_, measure) => measure(engine.checkOut),
    finish: () => finish(engine.close),
  }
}

async function openEngine(database: Database, gateway: ReturnType<typeof createSandboxGateway>) {
  const engine = await createCheckout({ database, gateways: { card: gateway }, config: { currency } })
  const carts = createCarts(database, { currency })
  const checkOut: CheckOut = async lines => {
    const sessionId = crypto.randomUUID()
    const cartId = await carts.createCart({ sessionId, lines: [...lines], email, shippingAddress: buyerAddress })
    const lock = await engine.startCheckout(cartId, { sessionId })
    const outcome = await engine.processCheckout(lock.id, { token: 'tok_approve' }, { sessionId })
    if (outcome.status !== 'completed') throw new Error(`a checkout ended as ${JSON.stringify(outcome)}`)
    return { checkoutId: lock.id, orderId: outcome.order.id }
  }
  return { checkOut, close: () => engine.close() }
}
