/** Validation issues per field, as text for people. Messages never contain the rejected value. */
import type { z } from '@hono/zod-openapi'
import { HttpError } from '../errors.ts'

export interface FieldIssue {
  /** Dotted path: "shipping_address.postcode". Empty for the whole body. */
  path: string
  /** Follows the field's name in a sentence: "is required". */
  message: string
}

type ZodIssue = z.core.$ZodIssue

const shownMax = 20

function messageOf(issue: ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && issue.message.endsWith('received undefined')
        ? 'is required'
        : `must be ${article(issue.expected)}`
    case 'unrecognized_keys':
      return 'is not a known field'
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'too_big':
      return issue.message.startsWith('must')
        ? issue.message
        : `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`
    case 'too_small':
      return issue.message.startsWith('must') ? issue.message : `must be at least ${issue.minimum}`
    default:
      return issue.message.startsWith('must') ? issue.message : 'is not valid'
  }
}

function article(expected: string): string {
  if (expected === 'int') return 'a whole number'
  return `${/^[aeio]/.test(expected) ? 'an' : 'a'} ${expected}`
}

/** The first twenty issues. */
export function issuesOf(error: z.core.$ZodError): FieldIssue[] {
  return error.issues
    .flatMap(issue => {
      const path = issue.path.map(String)
      const message = messageOf(issue)
      if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message }]
      return issue.keys.map(key => ({ path: [...path, key.slice(0, 64)].join('.'), message }))
    })
    .slice(0, shownMax)
}

/** The error for an invalid body or query. Its message names the first field and counts the others. */
export function invalidRequest(error: z.core.$ZodError): HttpError {
  const issues = issuesOf(error)
  const first = issues[0]
  const what = first === undefined ? 'The request is not valid' : `${first.path || 'The body'} ${first.message}`
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  return new HttpError('invalid_request', `${what}${more}.`, { context: { issues } })
}
