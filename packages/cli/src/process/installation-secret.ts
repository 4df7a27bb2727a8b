/**
 * The generated secret of an installation without `CHECKOUT_SECRET`. It is stored in the data directory, readable by the
 * owner only, so sessions and sealed payment tokens survive a restart.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Reads the secret in `directory` (default `.holdfast`), or creates it.
 * @throws if the directory is not writable or the file is damaged.
 */
export function installationSecret(directory = '.holdfast'): string {
  const file = join(directory, 'secret')
  mkdirSync(directory, { recursive: true })
  if (!existsSync(file)) {
    // Write a draft and link it: a reader never sees a partial file, and the first of two writers wins.
    const draft = `${file}.${process.pid}`
    writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flush: true })
    try {
      linkSync(draft, file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      unlinkSync(draft)
    }
  }
  const secret = readFileSync(file, 'utf8').trim()
  if (secret.length < 32) throw new Error(`${file} is damaged: delete it, or set CHECKOUT_SECRET`)
  return secret
}
