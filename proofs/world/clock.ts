/**
 * The database clock of a simulated world. Holdfast reads the time from the database, so the world controls time there:
 * `now()` and `clock_timestamp()` of the schema `sim` shadow those of PostgreSQL and return the value of a row.
 */
import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'

/** The start of every simulated world. */
export const epochMs = Date.UTC(2026, 0, 1)

const script = `
create schema sim;
create table sim.clock (at timestamptz not null) with (fillfactor = 10);
insert into sim.clock values (to_timestamp(${epochMs / 1000}));
create function sim.now() returns timestamptz language sql stable as 'select at from sim.clock';
create function sim.clock_timestamp() returns timestamptz language sql stable as 'select at from sim.clock';
`

const setClock = statement('sim_set_clock', 'update sim.clock set at = $1::timestamptz')

/** Installs the clock in an empty database, before the schema is created. */
export async function installClock(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1)
  const database = await connectPostgres({ url, poolMax: 1 })
  try {
    // A simulated world has no power failures, so a commit need not wait for the disk.
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
