/** Only an intact archive is used for a first start; otherwise `initdb` runs. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { placeCluster, preparedCluster } from '../../../src/database/embedded/prepared-cluster.ts'

const cache = path.join(import.meta.dirname, '../../../../../node_modules/.cache/holdfast')
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-cluster-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('an archive that was placed is used, and one that is damaged or truncated is ignored', async () => {
  expect(await preparedCluster(folder)).toBeNull()
  const file = await placeCluster(folder, cache)
  const whole = await readFile(file)
  const archive = await preparedCluster(folder)
  expect(archive?.size).toBeGreaterThan(whole.length)

  const damaged = Buffer.from(whole)
  damaged[damaged.length >> 1] = (whole[damaged.length >> 1] ?? 0) ^ 1
  for (const bad of [damaged, whole.subarray(0, -20), Buffer.alloc(0), Buffer.from('no archive')]) {
    await writeFile(file, bad)
    expect(await preparedCluster(folder)).toBeNull()
  }
})
