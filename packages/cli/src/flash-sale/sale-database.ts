/**
 * The temporary database of a sale, removed however the sale ends. The shop's own data is never touched: neither
 * `.holdfast/` nor the database of the URL, only its server.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CheckoutError } from 'holdfast'
import { type Database, DatabaseError, openDatabase, statement } from 'holdfast/database'
import { clusterFolder } from '../process/open-store.ts'

/** A sale that crashed with its machine leaves its database; a later sale removes it after this time. */
const leftoverMs = 3_600_000
const directoryPrefix = 'holdfast-flash-sale-'
const databasePrefix = 'holdfast_flash_sale_'

export type SaleDatabase =
  | { kind: 'embedded'; directory: string }
  /** `administratorUrl`: the connection that creates and drops the database. */
  | { kind: 'postgres'; url: string; administratorUrl: string; name: string }

const selectLeftovers = statement(
  'flash_sale_leftovers',
  `select datname as name from pg_database
   where starts_with(datname, '${databasePrefix}')
     and not exists (select from pg_stat_activity a where a.datid = pg_database.oid)`,
)

/** @throws {CheckoutError} if this user may not create databases. */
export async function createSaleDatabase(databaseUrl: string | null): Promise<SaleDatabase> {
  if (databaseUrl === null) {
    await removeLeftDirectories()
    return { kind: 'embedded', directory: await mkdtemp(path.join(tmpdir(), directoryPrefix)) }
  }
  const name = `${databasePrefix}${Date.now().toString(36)}_${randomBytes(4).toString('hex')}`
  await administering(databaseUrl, async administrator => {
    await dropLeftDatabases(administrator)
    try {
      await administrator.execute(`create database ${name} template template0`)
    } catch (error) {
      throw isForbidden(error) ? forbidden(error) : error
    }
  })
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return { kind: 'postgres', url: url.href, administratorUrl: databaseUrl, name }
}

/** Idempotent, also from several processes at once. Open connections are terminated. */
export async function removeSaleDatabase(place: SaleDatabase): Promise<void> {
  if (place.kind === 'embedded') return removeDirectory(place.directory)
  await administering(place.administratorUrl, administrator =>
    administrator.execute(`drop database if exists ${place.name} with (force)`),
  )
}

/** Connects one process of the sale to the database. */
export function openSaleDatabase(place: SaleDatabase, applicationName: string, poolMax: number): Promise<Database> {
  return place.kind === 'embedded'
    ? openDatabase({ directory: place.directory, clusterFolder })
    : openDatabase({ url: place.url, applicationName, poolMax })
}

async function administering(url: string, work: (administrator: Database) => Promise<void>): Promise<void> {
  const administrator = await openDatabase({ url, applicationName: 'holdfast flash sale', poolMax: 1 })
  try {
    await work(administrator)
  } finally {
    await administrator.close()
  }
}

/** Retries, because a process that is being killed may still write. */
const removeDirectory = (directory: string): Promise<void> =>
  rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })

async function removeLeftDirectories(): Promise<void> {
  const names = (await readdir(tmpdir()).catch(() => [])).filter(name => name.startsWith(directoryPrefix))
  for (const directory of names.map(name => path.join(tmpdir(), name))) {
    const made = await stat(directory).catch(() => null)
    if (made === null || Date.now() - made.mtimeMs < leftoverMs) continue
    // Ignore directories of other users.
    await removeDirectory(directory).catch(() => {})
  }
}

async function dropLeftDatabases(administrator: Database): Promise<void> {
  for (const { name } of await administrator.query<{ name: string }>(selectLeftovers)) {
    const madeAt = Number.parseInt(name.slice(databasePrefix.length).split('_')[0] ?? '', 36)
    if (!(Date.now() - madeAt > leftoverMs) || !/^[a-z0-9_]+$/.test(name)) continue
    await administrator.execute(`drop database if exists ${name}`).catch(() => {})
  }
}

const isForbidden = (error: unknown): boolean => error instanceof DatabaseError && error.code === '42501'

function forbidden(cause: unknown): CheckoutError {
  return new CheckoutError(
    'invalid_argument',
    'This user may not create databases, and the sale needs a temporary one. Grant the right (alter role … createdb), ' +
      'specify another user with --database-url, or unset DATABASE_URL to use an embedded database.',
    { cause },
  )
}
