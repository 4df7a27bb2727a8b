/** The generated secret of an installation. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { installationSecret } from '../../src/process/installation-secret.ts'

describe('installationSecret', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-secret-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('creates the secret once, readable by its owner only', () => {
    const secret = installationSecret(directory)
    expect(secret.length).toBeGreaterThanOrEqual(32)
    expect(installationSecret(directory)).toBe(secret)
    expect(statSync(join(directory, 'secret')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(directory, 'secret'), 'utf8').trim()).toBe(secret)
  })

  it('refuses a damaged file', () => {
    writeFileSync(join(directory, 'secret'), 'short')
    expect(() => installationSecret(directory)).toThrow('is damaged')
  })
})
