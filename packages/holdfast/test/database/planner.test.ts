/** Every statement of a checkout reaches its rows by key, even if it was planned while the tables were empty. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database, Queryable, Statement, Value } from '../../src/database/database.ts'
import { keyedPlans } from '../../src/database/planner.ts'
import { createCheckout } from '../../src/engine/create-checkout.ts'
import { listOperatorActions } from '../../src/observe/diagnosis/operator-actions.ts'
import { createSandboxGateway } from '../../src/payments/sandbox/sandbox.ts'
import { openTestDatabase } from '../support/test-database.ts'
import { openTestStore, type TestStore } from '../support/test-store.ts'

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Cond'?: string
  'TID Cond'?: string
  Plans?: Plan[]
}

/** Tables that stay small: reading them completely is intended. */
const small = new Set(['tax_rates', 'exchange_rates', 'shipping_methods', 'shipping_rates', 'locations', 'coupons'])
/** Read in index order, a bounded number of rows from its beginning. */
const bounded = new Set(['lock_due_checkouts', 'lock_expired_checkouts', 'read_open_webhooks', 'sandbox_claim_jobs'])

const statements = new Map<string, string>()
let store: TestStore
let empty: Awaited<ReturnType<typeof openTestDatabase>>
let client: pg.Client

/** The same database; records every statement. */
function recording(db: Database): Database {
  const recorded = <On extends Queryable>(on: On): On => ({
    ...on,
    query: <Row>(statement: Statement, values?: readonly Value[]) => {
      statements.set(statement.name, statement.text)
      return on.query<Row>(statement, values)
    },
    ...('send' in on
      ? {
          send: (statement: Statement, values?: readonly Value[]) => {
            statements.set(statement.name, statement.text)
            ;(on as unknown as { send(s: Statement, v?: readonly Value[]): void }).send(statement, values)
          },
        }
      : {}),
  })
  return { ...recorded(db), transaction: work => db.transaction(tx => work(recorded(tx))) }
}

function scansOf(plan: Plan): string[] {
  const reads = plan['Relation Name']
  const isScan = plan['Node Type'].endsWith('Scan') && reads !== undefined && !small.has(reads)
  const whole = isScan && plan['Index Cond'] === undefined && plan['TID Cond'] === undefined
  const isBitmap = plan['Node Type'] === 'Bitmap Heap Scan'
  const here = whole && !isBitmap ? [`${plan['Node Type']} on ${reads}`] : []
  const joins = /Hash Join|Merge Join/.test(plan['Node Type']) ? [plan['Node Type']] : []
  return [...here, ...joins, ...(plan.Plans ?? []).flatMap(scansOf)]
}

describe('plans of prepared statements', () => {
  beforeAll(async () => {
    store = await openTestStore('postgres')
    const db = recording(store.database)
    const gateway = createSandboxGateway({ database: db })
    const engine = await createCheckout({ database: db, gateways: { card: gateway }, workers: false, migrate: false })
    const sku = await store.article({ stock: [10, 10] })
    for (const token of ['tok_approve', 'tok_decline', 'tok_capture_decline', 'tok_action_required']) {
      const { cartId, sessionId } = await store.cart({ [sku]: 1 })
      const lock = await engine.startCheckout(cartId, { sessionId })
      await engine.processCheckout(lock.id, { token })
      await Promise.all([engine.getCheckoutStatus(lock.id), engine.diagnose(lock.id), listOperatorActions(db, lock.id)])
      if (token === 'tok_action_required') await engine.resumeCheckout(lock.id)
    }
    await engine.recover()
    await engine.cleanupExpiredLocks()
    const key = { gateway: 'sandbox', eventId: 'none' }
    await Promise.all([engine.webhooks.find(key), engine.webhooks.retry(key), engine.pruneWebhooks()])
    await engine.close()
    empty = await openTestDatabase('postgres')
    client = new pg.Client({ connectionString: String(empty.url) })
    await client.connect()
    const settings = Object.entries(keyedPlans)
    await client.query(settings.map(([name, value]) => `set ${name} = ${value}`).join('; '))
  })
  afterAll(async () => {
    await client.end()
    await empty.stop()
    await store.stop()
  })

  test('no step of a checkout reads a whole table or a whole index', async () => {
    const whole: string[] = []
    for (const [name, text] of statements) {
      if (bounded.has(name)) continue
      const count = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)))
      await client.query(`prepare ${name} as ${text}`)
      const nulls = count === 0 ? '' : `(${Array(count).fill('null').join(', ')})`
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `explain (format json) execute ${name}${nulls}`,
      )
      const plan = rows[0]?.['QUERY PLAN'][0].Plan
      if (plan !== undefined) whole.push(...scansOf(plan).map(scan => `${name}: ${scan}`))
    }
    expect(statements.size).toBeGreaterThan(40)
    expect(whole).toEqual([])
  })
})
