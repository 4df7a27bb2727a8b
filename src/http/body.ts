/** Reads a request's body once: bounded, of a known kind, valid JSON, and free of card data before any route sees it. */
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import { holdsCardData } from './card-data.ts'
import type { HttpEnvironment, RequestVariables } from './context.ts'
import { HttpError } from './errors.ts'

const bodyMaxBytes = 64 * 1024

export const limitBody = bodyLimit({
  maxSize: bodyMaxBytes,
  onError: () => {
    throw new HttpError('body_too_large', `The body is larger than ${bodyMaxBytes / 1024} KiB.`)
  },
})

const safe = new Set(['GET', 'HEAD'])

/** JSON, or nothing at all. */
export const readBody = createMiddleware<{ Bindings: HttpEnvironment; Variables: RequestVariables }>(
  async (c, next) => {
    if (safe.has(c.req.method)) return next()
    const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
    const text = await c.req.text()
    if (text === '') return next()
    if (type !== 'application/json') throw new HttpError('unsupported_media_type', 'Send application/json.')
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch {
      throw new HttpError('malformed_json', 'The body is not valid JSON.')
    }
    if (holdsCardData(body)) {
      throw new HttpError(
        'card_data_refused',
        'Card numbers and security codes are not accepted here. Send the token of your payment provider.',
      )
    }
    return next()
  },
)
