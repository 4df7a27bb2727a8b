/**
 * An archive of a new database cluster, as `initdb` creates it. The command line ships one, so a first start takes one
 * second instead of five. The archive contains no schema: only migrations create it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'

/** Small log segments: a new database takes 27 MB instead of 39 and starts faster. */
export const initArguments = ['--wal-segsize=4', '--no-sync']

/** The name contains the version of PGlite and the arguments, because versions may differ in file format. */
async function clusterName(): Promise<string> {
  const main = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const { version } = JSON.parse(await readFile(path.join(main, '..', '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const made = createHash('sha256').update(initArguments.join(' ')).digest('hex').slice(0, 8)
  return `cluster-${version}-${made}.tar.gz`
}

/** The archive in `folder`, ready for PGlite. Null if there is no matching, intact archive; `initdb` must then run. */
export async function preparedCluster(folder: string): Promise<Blob | null> {
  try {
    const packed = await readFile(path.join(folder, await clusterName()))
    // A damaged archive fails here, at its checksum.
    return new Blob([new Uint8Array(await promisify(gunzip)(packed))])
  } catch {
    return null
  }
}

async function makeCluster(file: string): Promise<void> {
  const engine = await PGlite.create({ initDbStartParams: initArguments })
  try {
    await engine.exec('checkpoint')
    const archive = await engine.dumpDataDir('none')
    const packed = await promisify(gzip)(new Uint8Array(await archive.arrayBuffer()))
    const fresh = `${file}.${randomBytes(4).toString('hex')}`
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(fresh, packed)
    await rename(fresh, file)
  } finally {
    await engine.close()
  }
}

/** Copies the archive from `cache` (created there if missing) to `folder`. Returns its path. */
export async function placeCluster(folder: string, cache: string): Promise<string> {
  const name = await clusterName()
  const kept = path.join(cache, name)
  if ((await preparedCluster(cache)) === null) await makeCluster(kept)
  const placed = path.join(folder, name)
  await mkdir(folder, { recursive: true })
  await copyFile(kept, placed)
  return placed
}
