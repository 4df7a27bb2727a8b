/**
 * The secret of an installation that was given none: made once, kept in the data directory, readable by its owner only,
 * so that sessions and sealed payment tokens survive a restart.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The secret kept in `directory` (default `.holdfast`), made now if there is none.
 * @throws when the directory cannot be written, or the file is damaged.
 */
export function keptSecret(directory = '.holdfast'): string {
  const file = join(directory, 'secret')
  mkdirSync(directory, { recursive: true })
  if (!existsSync(file)) {
    // Written aside and linked in, so that whoever reads it never sees half of it, and the first of two wins.
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
  if (secret.length < 32) throw new Error(`${file} is damaged: remove it, or set CHECKOUT_SECRET`)
  return secret
}
