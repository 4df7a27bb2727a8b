/**
 * Applies the numbered SQL files in `migrations/`, forward only. Each file is applied completely or not at all, and
 * once, even if several processes start at the same time.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Database, DatabaseError, statement } from './database.ts'

/** Serializes processes that migrate at the same time. The number is arbitrary and used for nothing else. */
const migrationLock = 'select pg_advisory_xact_lock(4871203615);'

const prepareScript = `${migrationLock}
create schema if not exists holdfast;
create table if not exists holdfast.migrations (
  name text constraint migrations_once primary key,
  applied_at timestamptz not null default now()
);`

const tableExists = statement('migrations_table', `select to_regclass('holdfast.migrations') is not null as there`)
const applied = statement('migrations_applied', 'select name from holdfast.migrations')

/**
 * The folder beside `src/` and `dist/`, in the repository and in the published package.
 * @throws if no package contains this code, for example if it was bundled into one file.
 */
export function migrationsFolder(code: string = path.dirname(fileURLToPath(import.meta.url))): string {
  for (let at = code; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, 'package.json'))) return path.join(at, 'migrations')
    if (at === path.dirname(at)) throw new Error(`could not find the migrations: no package.json above ${code}`)
  }
}

/** Names of all migrations of this version, in order, without `.sql`. */
export async function knownMigrations(): Promise<string[]> {
  const files = (await readdir(migrationsFolder())).filter(file => /^\d{4}_\w+\.sql$/.test(file)).sort()
  return files.map(file => file.slice(0, -'.sql'.length))
}

/** Names of the migrations that are not applied yet, in order. */
export async function pendingMigrations(database: Database): Promise<string[]> {
  const names = await knownMigrations()
  const [table] = await database.query<{ there: boolean }>(tableExists)
  if (table?.there !== true) return names
  const done = new Set((await database.query<{ name: string }>(applied)).map(row => row.name))
  return names.filter(name => !done.has(name))
}

/** A script is one transaction. It inserts the name first, so a second process fails at that statement without effect. */
async function apply(database: Database, name: string): Promise<boolean> {
  const content = await readFile(path.join(migrationsFolder(), `${name}.sql`), 'utf8')
  try {
    await database.execute(`${migrationLock}\ninsert into holdfast.migrations (name) values ('${name}');\n${content}`)
    return true
  } catch (error) {
    if (error instanceof DatabaseError && error.constraint === 'migrations_once') return false
    throw new DatabaseError(`migration "${name}" failed: ${error instanceof Error ? error.message : String(error)}`, {
      code: error instanceof DatabaseError ? error.code : 'migration',
      cause: error,
    })
  }
}

/** Applies pending migrations and returns the names of those that this call applied. `log` receives one line for each. */
export async function migrate(
  database: Database,
  options: { readonly log?: (line: string) => void } = {},
): Promise<string[]> {
  const pending = await pendingMigrations(database)
  if (pending.length === 0) return []
  await database.execute(prepareScript)
  const names: string[] = []
  for (const name of pending) {
    if (!(await apply(database, name))) continue
    names.push(name)
    options.log?.(`applied migration ${name}`)
  }
  return names
}
