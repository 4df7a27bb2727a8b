/** Barriers for race tests on PostgreSQL: they wait for a state of the database, never for time. */
import { type Database, statement, type Transaction } from '../../../src/database/database.ts'

const countBlocked = statement(
  'test_count_blocked',
  `select count(*) as blocked from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
)

/** Resolves once `sessions` connections of this database wait for a lock. */
export async function untilBlocked(database: Database, sessions = 1): Promise<void> {
  for (const deadline = Date.now() + 10_000; ; ) {
    const [row] = await database.query<{ blocked: number }>(countBlocked)
    if ((row?.blocked ?? 0) >= sessions) return
    if (Date.now() > deadline) throw new Error('no connection waits for a lock')
  }
}

/** Runs `work` in a transaction that stays open until `commit` is called. */
export async function openTransaction(
  database: Database,
  work: (tx: Transaction) => Promise<unknown>,
): Promise<{ commit: () => Promise<void> }> {
  const gate = withResolvers()
  const ready = withResolvers()
  const done = database.transaction(async tx => {
    await work(tx)
    ready.resolve()
    await gate.promise
  })
  await Promise.race([ready.promise, done])
  return {
    async commit() {
      gate.resolve()
      await done
    },
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
