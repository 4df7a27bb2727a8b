/** Copies the simulator's books into the shop's database at the end, for comparison. Does not use Stripe's API. */
import { type Database, statement } from '../../../packages/holdfast/src/database/database.ts'
import type { Books as CheckoutBooks, Effect } from '../../../packages/stripe-simulator/src/world/books.ts'
import { mapInParallel } from '../../buyers/in-parallel.ts'
import type { Books } from '../gateway.ts'
import { compareBooks } from './books-comparison.ts'

/** Amounts are in minor units of euros, which are the same on both sides. */
const tables = `
create schema soak;
create table soak.payments (
  id text primary key, checkout_id uuid not null, stripe_status text not null, status text not null,
  currency text not null, amount_minor bigint not null, authorized_minor bigint not null, open_minor bigint not null,
  captured_minor bigint not null, refunded_minor bigint not null);
create table soak.effects (
  number bigint primary key, kind text not null, checkout_id text, payment_id text not null, amount_minor bigint not null,
  currency text not null, operation text);`

const listCheckouts = statement('soak_checkout_ids', 'select id::text as id from holdfast.checkouts')
const writePayments = statement(
  'soak_write_payments',
  'insert into soak.payments select * from json_populate_recordset(null::soak.payments, $1)',
)
const writeEffects = statement(
  'soak_write_effects',
  'insert into soak.effects select * from json_populate_recordset(null::soak.effects, $1)',
)

const answerMs = 30_000
const concurrency = 8
const rowsAtOnce = 2_000

async function read<Result>(url: string, path: string): Promise<Result> {
  const response = await fetch(`${url}/_control/${path}`, { signal: AbortSignal.timeout(answerMs) })
  if (!response.ok) throw new Error(`Stripe’s simulator answered ${path} with ${response.status}`)
  return (await response.json()) as Result
}

/** Removes the suffix of a key that names the request of an operation: `:confirm`, `:again:1`. */
const operationOf = (key: string): string => key.split(':').slice(0, 3).join(':')

function paymentsOf({ checkoutId, intents, effects }: CheckoutBooks) {
  return intents.map(({ id, status, amountMinor, currency }) => {
    const sum = (kind: Effect['kind']) =>
      effects
        .filter(effect => effect.intentId === id && effect.kind === kind)
        .reduce((total, effect) => total + effect.amountMinor, 0)
    const [authorized, captured] = [sum('authorize'), sum('capture')]
    return {
      ...{ id, checkout_id: checkoutId, stripe_status: status, currency: currency.toUpperCase() },
      status: captured > 0 ? 'captured' : 'not captured',
      ...{ amount_minor: amountMinor, authorized_minor: authorized, captured_minor: captured },
      ...{ open_minor: authorized - captured - sum('release'), refunded_minor: sum('refund') - sum('refund_failed') },
    }
  })
}

async function write(database: Database, into: typeof writePayments, rows: readonly object[]): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    await database.query(into, [JSON.stringify(rows.slice(from, from + rowsAtOnce))])
  }
}

export async function openBooksOf(url: string, database: Database): Promise<Books> {
  const checkouts = await database.query<{ id: string }>(listCheckouts)
  const books = await mapInParallel(checkouts, concurrency, ({ id }) => read<CheckoutBooks>(url, `books/${id}`))
  const { effects } = await read<{ effects: Effect[] }>(url, 'effects')
  await database.execute(tables)
  await write(database, writePayments, books.flatMap(paymentsOf))
  const rows = effects.map(({ kind, checkoutId, intentId, amountMinor, currency, idempotencyKey }, number) => ({
    ...{ number, kind, checkout_id: checkoutId, payment_id: intentId, amount_minor: amountMinor },
    ...{ currency: currency.toUpperCase(), operation: idempotencyKey === null ? null : operationOf(idempotencyKey) },
  }))
  await write(database, writeEffects, rows)
  return { payments: 'soak.payments', ledger: undefined, ...(await compareBooks(database)) }
}
