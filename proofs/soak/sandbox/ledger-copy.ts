/** Copies the gateway's ledger into the shop's database at the end, where the audit compares the two. */
import { type Database, statement } from '../../../packages/holdfast/src/database/database.ts'

const tables = { payments: 'id', requests: 'idempotency_key', jobs: 'id' } as const
const pageMax = 5_000
const pagesMax = 10_000

async function copyTable(from: Database, to: Database, table: keyof typeof tables): Promise<void> {
  const key = tables[table]
  const read = statement(
    `soak_read_${table}`,
    `select ${key}::text as key, to_jsonb(entry) as entry from holdfast_sandbox.${table} entry
     where ${key}::text collate "C" > $1 order by ${key}::text collate "C" limit ${pageMax}`,
  )
  const write = statement(
    `soak_write_${table}`,
    `insert into holdfast_sandbox.${table} select * from json_populate_recordset(null::holdfast_sandbox.${table}, $1)`,
  )
  let last = ''
  for (let page = 0; page < pagesMax; page += 1) {
    const rows = await from.query<{ key: string; entry: unknown }>(read, [last])
    if (rows.length === 0) return
    await to.query(write, [JSON.stringify(rows.map(({ entry }) => entry))])
    last = rows.at(-1)?.key ?? ''
  }
  throw new Error(`the ledger has more than ${pagesMax} pages`)
}

/** @param to a database with an empty `holdfast_sandbox`. */
export async function copyLedger(from: Database, to: Database): Promise<void> {
  for (const table of Object.keys(tables) as (keyof typeof tables)[]) await copyTable(from, to, table)
}
