/**
 * Normalizes gateway answers before they are stored. A malformed answer becomes an `unknown` outcome, and characters
 * that PostgreSQL rejects are replaced, so no answer of an adopter's gateway can block a checkout.
 */
import type { LookupAnswer, OperationKind } from './gateway.ts'

const pauseMinMs = 100
const pauseMaxMs = 3_600_000

/** The null character and unpaired surrogates as JSON escapes them. PostgreSQL's jsonb accepts neither. */
const unstorable = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g

type JsonObject = Readonly<Record<string, unknown>>

/** Never throws. Rounds `pollAfterMs` and `retryAfterMs` and limits them to 100 ms up to one hour. */
export function normalizeAnswer(kind: OperationKind, given: unknown): LookupAnswer {
  const answer = storable(given)
  return answer !== null && isWellFormed(kind, answer)
    ? (withDefaults(answer) as unknown as LookupAnswer)
    : { outcome: 'unknown', message: 'The gateway returned an invalid answer.' }
}

function storable(given: unknown): JsonObject | null {
  if (typeof given !== 'object' || given === null) return null
  // The outcome never depends on `details`, so details that JSON cannot express are dropped.
  return throughJson(given) ?? throughJson({ ...given, details: undefined })
}

/** Serializes a value as JSON that PostgreSQL accepts, with a replacement character for the others. */
export function storableJson(value: object): string {
  return JSON.stringify(value).replaceAll(unstorable, '$1\\ufffd')
}

function throughJson(given: object): JsonObject | null {
  try {
    return JSON.parse(storableJson(given)) as JsonObject
  } catch {
    return null
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function isWellFormed(kind: OperationKind, answer: JsonObject): boolean {
  switch (answer.outcome) {
    case 'succeeded':
      // A void moves no money, so its answer needs no amount.
      return (
        kind === 'void' ||
        (isText(answer.reference) && Number.isSafeInteger(answer.amountMinor) && isText(answer.currency))
      )
    case 'action_required':
      return isText(answer.reference) && isAction(answer.action as JsonObject | null | undefined)
    case 'pending':
      return isText(answer.reference)
    case 'declined':
    case 'not_executed':
    case 'unknown':
    case 'not_found':
      return true
    default:
      return false
  }
}

function isAction(action: JsonObject | null | undefined): boolean {
  return action?.type === 'confirm' ? isText(action.payment) : isText(action?.url)
}

function withDefaults(answer: JsonObject): JsonObject {
  switch (answer.outcome) {
    case 'succeeded':
      return {
        ...answer,
        validUntil: Number.isNaN(Date.parse(String(answer.validUntil))) ? undefined : answer.validUntil,
        transfer: transferOf(answer.transfer),
      }
    case 'declined':
      return {
        ...answer,
        code: textOr(answer.code, 'declined'),
        message: textOr(answer.message, 'The gateway gave no reason.'),
      }
    case 'pending':
      return { ...answer, pollAfterMs: pauseMs(answer.pollAfterMs) }
    case 'not_executed':
      return { ...answer, retryAfterMs: pauseMs(answer.retryAfterMs) }
    default:
      return answer
  }
}

/** The bank transfer details, or undefined unless every part can be shown to a buyer. */
function transferOf(given: unknown): JsonObject | undefined {
  if (typeof given !== 'object' || given === null) return undefined
  const { reference, iban = null, accountHolder = null, dueAt } = given as JsonObject
  const isOptional = (value: unknown) => value === null || isText(value)
  if (!isText(reference) || !isOptional(iban) || !isOptional(accountHolder)) return undefined
  const dueMs = Date.parse(String(dueAt))
  return Number.isNaN(dueMs) ? undefined : { reference, iban, accountHolder, dueAt: new Date(dueMs).toISOString() }
}

const textOr = (value: unknown, fallback: string): string => (isText(value) ? value : fallback)

function pauseMs(value: unknown): number {
  const ms = typeof value === 'number' ? Math.round(value) : pauseMinMs
  return Math.min(pauseMaxMs, Math.max(pauseMinMs, ms))
}
