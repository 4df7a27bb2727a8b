/**
 * Idempotency keys: a repeated request gets the first answer, including errors, for one day. A key belongs to one
 * endpoint and one set of parameters.
 */
import { createHash } from 'node:crypto'
import { canonicalForm, type FormFields } from './form.ts'
import { invalid, keyInUse, StripeRefusal } from './refusal.ts'

const keptMs = 24 * 60 * 60_000

export interface StoredAnswer {
  status: number
  body: string
  headers: Readonly<Record<string, string>>
  requestId: string
}

interface Entry {
  path: string
  parameters: string
  sinceMs: number
  /** Null during the execution. */
  answer: StoredAnswer | null
}

export interface IdempotencyKeys {
  /** Returns the stored answer; null: the request now owns the key. @throws {StripeRefusal} */
  take(key: string, path: string, params: FormFields, nowMs: number): StoredAnswer | null
  store(key: string, answer: StoredAnswer): void
  /** Removes a key whose request was refused before its execution. */
  release(key: string): void
  /** Forgets all keys, as after one day. */
  forget(): void
}

export function requireKey(key: string): void {
  if (key === '') throw invalid('Idempotency Key must be a non-empty string.')
  if (key.length > 255) throw invalid('Idempotency keys can be up to 255 characters long.')
}

/** Parameters are stored as a digest, for they may contain card data. */
const digest = (params: FormFields): string => createHash('sha256').update(canonicalForm(params)).digest('base64')

const otherwiseUsed = (message: string) => new StripeRefusal(400, { type: 'idempotency_error', message })

export function createIdempotencyKeys(): IdempotencyKeys {
  const entries = new Map<string, Entry>()

  function dropOld(nowMs: number): void {
    for (const [key, { sinceMs, answer }] of entries) {
      if (nowMs - sinceMs < keptMs) return
      if (answer !== null) entries.delete(key)
    }
  }

  return {
    take(key, path, params, nowMs) {
      dropOld(nowMs)
      const parameters = digest(params)
      const entry = entries.get(key)
      if (entry === undefined) {
        entries.set(key, { path, parameters, sinceMs: nowMs, answer: null })
        return null
      }
      const hint = `Try using a key other than '${key}' if you meant to execute a different request.`
      if (entry.path !== path) {
        throw otherwiseUsed(
          `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${path}' vs '${entry.path}'). ${hint}`,
        )
      }
      if (entry.parameters !== parameters) {
        throw otherwiseUsed(
          `Keys for idempotent requests can only be used with the same parameters they were first used with. ${hint}`,
        )
      }
      if (entry.answer === null) throw keyInUse(key)
      return entry.answer
    },
    store(key, answer) {
      const entry = entries.get(key)
      if (entry !== undefined) entry.answer = answer
    },
    release: key => void entries.delete(key),
    forget: () => entries.clear(),
  }
}
