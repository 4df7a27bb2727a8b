/**
 * Where a sale takes place: a database of its own, made for it and removed after it, however it ends. Nothing that is
 * the shop's is ever touched: not `.holdfast/`, not the database that an address names, only the server it is on.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CheckoutError } from 'holdfast'
import { type Database, DatabaseError, openDatabase, statement } from 'holdfast/database'
import { clusterFolder } from '../process/open-store.ts'

/** Of what is left of a sale that could not end (its machine did), the next one removes what is older than this. */
const leftoverMs = 3_600_000
const directoryPrefix = 'holdfast-flash-sale-'
const databasePrefix = 'holdfast_flash_sale_'

export type TemporaryDatabase =
  | { kind: 'embedded'; directory: string }
  /** `administratorUrl`: by which it was made and is dropped. */
  | { kind: 'postgres'; url: string; administratorUrl: string; name: string }

const selectLeftovers = statement(
  'flash_sale_leftovers',
  `select datname as name from pg_database
   where starts_with(datname, '${databasePrefix}')
     and not exists (select from pg_stat_activity a where a.datid = pg_database.oid)`,
)

/** @throws {CheckoutError} in a sentence, where the server does not let this user make a database. */
export async function makePlace(databaseUrl: string | null): Promise<TemporaryDatabase> {
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

/** Idempotent, also from several processes at once; whoever is still connected is cut off. */
export async function removePlace(place: TemporaryDatabase): Promise<void> {
  if (place.kind === 'embedded') return removeDirectory(place.directory)
  await administering(place.administratorUrl, administrator =>
    administrator.execute(`drop database if exists ${place.name} with (force)`),
  )
}

/** Connects to the database, as one process of the sale. */
export function openPlace(place: TemporaryDatabase, applicationName: string, poolMax: number): Promise<Database> {
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

/** A process that is being killed may still write there. */
const removeDirectory = (directory: string): Promise<void> =>
  rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })

async function removeLeftDirectories(): Promise<void> {
  const names = (await readdir(tmpdir()).catch(() => [])).filter(name => name.startsWith(directoryPrefix))
  for (const directory of names.map(name => path.join(tmpdir(), name))) {
    const made = await stat(directory).catch(() => null)
    if (made === null || Date.now() - made.mtimeMs < leftoverMs) continue
    // Another user's is not ours to remove.
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
    'The sale would make a database of its own on that server and drop it at the end, but this user may not make one. ' +
      'Give it the right (alter role … createdb), name another user with --database-url, or leave DATABASE_URL out: ' +
      'then the sale runs on an embedded database.',
    { cause },
  )
}
