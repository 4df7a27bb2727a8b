/**
 * The directory for test files that need not survive a power failure: in memory if there is room, else on disk. A test
 * database has about 300 files, and a file system on disk may need a millisecond for each.
 */
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const inMemory = '/dev/shm'
/** Containers often have only a few megabytes there, which a single database would fill. */
const requiredBytes = 4 * 2 ** 30

/** `/dev/shm` if it has 4 GiB free, else the temporary directory of the system. */
export function scratchDirectory(): string {
  try {
    const { bavail, bsize } = statfsSync(inMemory)
    return bavail * bsize >= requiredBytes ? inMemory : tmpdir()
  } catch {
    return tmpdir()
  }
}
