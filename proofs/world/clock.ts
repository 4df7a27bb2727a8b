/**
 * The database's clock of a simulated world. The product asks the database what time it is, so time is held there:
 * `now()` and `clock_timestamp()` are found in the schema `sim` before PostgreSQL's own, and say what a row says.
 */
import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'

/** When every simulated world begins. */
export const epochMs = Date.UTC(2026, 0, 1)

const script = `
create schema sim;
create table sim.clock (at timestamptz not null) with (fillfactor = 10);
insert into sim.clock values (to_timestamp(${epochMs / 1000}));
create function sim.now() returns timestamptz language sql stable as 'select at from sim.clock';
create function sim.clock_timestamp() returns timestamptz language sql stable as 'select at from sim.clock';
`

const setClock = statement('sim_set_clock', 'update sim.clock set at = $1::timestamptz')

/** Makes the clock in an empty database, so that whatever is made there afterwards goes by it. */
export async function installClock(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1)
  const database = await connectPostgres({ url, poolMax: 1 })
  try {
    // No power fails here: a commit need not wait for the disk.
    await database.execute(`${script}
      alter database ${name} set search_path = sim, pg_catalog;
      alter database ${name} set synchronous_commit = off;
      alter database ${name} set track_activities = off;`)
  } finally {
    await database.close()
  }
}

export async function setTime(database: Database, nowMs: number): Promise<void> {
  await database.query(setClock, [new Date(nowMs).toISOString()])
}
