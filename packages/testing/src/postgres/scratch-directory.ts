/**
 * Where files go that need not outlive a power cut: into memory where there is room, as on most Linux machines. A test
 * database has some three hundred files, and file systems on a disk may take a millisecond for each.
 */
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const inMemory = '/dev/shm'
/** Containers often have a few megabytes there, which a single database would fill. */
const roomBytes = 4 * 2 ** 30

/** The folder to make them in: `/dev/shm` with 4 GiB free, else that of the system for temporary files. */
export function scratchDirectory(): string {
  try {
    const { bavail, bsize } = statfsSync(inMemory)
    return bavail * bsize >= roomBytes ? inMemory : tmpdir()
  } catch {
    return tmpdir()
  }
}
