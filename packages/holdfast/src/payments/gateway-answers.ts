/**
 * What a gateway said, made sense of. Gateways may be an adopter's own, and what they say is stored by the very step
 * that goes on from it: so that no answer can get a checkout stuck, what makes no sense is an unknown outcome, and text
 * that no database takes is replaced.
 */
import type { LookupAnswer, OperationKind } from './gateway.ts'

const pauseMinMs = 100
const pauseMaxMs = 3_600_000

/** The null character and halves of characters, as JSON writes them. */
const unstorable = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g

type Words = Readonly<Record<string, unknown>>

/** Never throws. `pollAfterMs` and `retryAfterMs` come out whole, from a tenth of a second to an hour. */
export function normalizeAnswer(kind: OperationKind, said: unknown): LookupAnswer {
  const answer = writable(said)
  return answer !== null && makesSense(kind, answer)
    ? (withDefaults(answer) as unknown as LookupAnswer)
    : { outcome: 'unknown', message: 'The gateway gave an answer that makes no sense.' }
}

function writable(said: unknown): Words | null {
  if (typeof said !== 'object' || said === null) return null
  // What cannot be written down is left out where the answer does not depend on it.
  return written(said) ?? written({ ...said, details: undefined })
}

/** As JSON, with a replacement character for what a database does not take. */
export function storableJson(value: object): string {
  return JSON.stringify(value).replaceAll(unstorable, '$1\\ufffd')
}

function written(said: object): Words | null {
  try {
    return JSON.parse(storableJson(said)) as Words
  } catch {
    return null
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function makesSense(kind: OperationKind, answer: Words): boolean {
  switch (answer.outcome) {
    case 'succeeded':
      // A void moves no money, so it has none to name.
      return (
        kind === 'void' ||
        (isText(answer.reference) && Number.isSafeInteger(answer.amountMinor) && isText(answer.currency))
      )
    case 'action_required':
      return isText(answer.reference) && isAction(answer.action as Words | null | undefined)
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

function isAction(action: Words | null | undefined): boolean {
  return action?.type === 'confirm' ? isText(action.payment) : isText(action?.url)
}

function withDefaults(answer: Words): Words {
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
        message: textOr(answer.message, 'No reason was given.'),
      }
    case 'pending':
      return { ...answer, pollAfterMs: pauseMs(answer.pollAfterMs) }
    case 'not_executed':
      return { ...answer, retryAfterMs: pauseMs(answer.retryAfterMs) }
    default:
      return answer
  }
}

/** How to pay, where all of it can be shown to a buyer. */
function transferOf(said: unknown): Words | undefined {
  if (typeof said !== 'object' || said === null) return undefined
  const { reference, iban = null, accountHolder = null, dueAt } = said as Words
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
