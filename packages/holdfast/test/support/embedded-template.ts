/**
 * A migrated in-memory database, archived once under `node_modules/.cache`, so that tests start in a fraction of a
 * second. The name is a hash of the migrations and of PGlite, so an archive is never out of date.
 */
import { createHash, randomBytes } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { openEmbedded } from '../../src/database/embedded/pglite.ts'
import { migrate, migrationsFolder } from '../../src/database/migrate.ts'

async function fileName(): Promise<string> {
  const hash = createHash('sha256')
  hash.update(await readFile(createRequire(import.meta.url).resolve('@electric-sql/pglite')))
  const folder = migrationsFolder()
  for (const file of (await readdir(folder)).sort()) hash.update(file).update(await readFile(path.join(folder, file)))
  return `embedded-${hash.digest('hex').slice(0, 16)}.tar`
}

/** Removes archives older than an hour. Newer ones may be in use by another run. */
async function removeOld(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const file = path.join(cache, name)
    const { mtimeMs } = await stat(file)
    if (name.startsWith('embedded-') && Date.now() - mtimeMs > 3_600_000) await rm(file, { force: true })
  }
}

/** Returns the path of the archive, and creates it if missing. */
export async function prepareEmbeddedTemplate(): Promise<string> {
  const cache = path.join(migrationsFolder(), '..', 'node_modules', '.cache', 'holdfast')
  const file = path.join(cache, await fileName())
  if ((await stat(file).catch(() => null)) !== null) return file
  const database = await openEmbedded()
  try {
    await migrate(database)
    const archive = await database.dump()
    await mkdir(cache, { recursive: true })
    const fresh = `${file}.${randomBytes(4).toString('hex')}`
    await writeFile(fresh, Buffer.from(await archive.arrayBuffer()))
    await rename(fresh, file)
    await removeOld(cache)
  } finally {
    await database.close()
  }
  return file
}

export function readEmbeddedTemplate(file: string): Promise<Blob> {
  return openAsBlob(file)
}
