/**
 * A database cluster as `initdb` leaves it, shipped with the program as an archive, so that a first start takes a second
 * and not five. It holds nothing of ours: migrations stay the one way to the schema.
 */
import { createHash, randomBytes } from 'node:crypto'
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'

/** Small log segments: a new database has 27 MB instead of 39, and starts sooner. */
export const initArguments = ['--wal-segsize=4', '--no-sync']

const here = path.dirname(fileURLToPath(import.meta.url))
const cache = path.join(here, '..', '..', 'node_modules', '.cache', 'holdfast')

/** Says what the archive is good for: another PGlite may read another format of files. */
async function clusterName(): Promise<string> {
  const main = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const { version } = JSON.parse(await readFile(path.join(main, '..', '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const made = createHash('sha256').update(initArguments.join(' ')).digest('hex').slice(0, 8)
  return `cluster-${version}-${made}.tar.gz`
}

/**
 * The archive as PGlite loads it; null where there is none that fits and is whole, and `initdb` must do. `folders`: where
 * to look; default beside this code, as the build leaves it, and where the build keeps it.
 */
export async function preparedCluster(folders: readonly string[] = [here, cache]): Promise<Blob | null> {
  for (const folder of folders) {
    try {
      const packed = await readFile(path.join(folder, await clusterName()))
      // what is damaged does not agree with its checksum
      return new Blob([new Uint8Array(await promisify(gunzip)(packed))])
    } catch {}
  }
  return null
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

/** The last step of a build: puts the archive into `folder`, made anew only where none is kept. Gives its path. */
export async function placeCluster(folder: string = here): Promise<string> {
  const name = await clusterName()
  const kept = path.join(cache, name)
  if ((await preparedCluster([cache])) === null) await makeCluster(kept)
  const placed = path.join(folder, name)
  await mkdir(folder, { recursive: true })
  await copyFile(kept, placed)
  return placed
}
