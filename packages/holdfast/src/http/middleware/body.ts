/** Checks of request bodies, before any route reads them: bounded size, valid JSON, no card data (A12). */
import { bodyLimit } from 'hono/body-limit'
import { HttpError } from '../errors.ts'
import { holdsCardData } from './card-data.ts'
import { createMiddleware } from './create-middleware.ts'

const clientMaxKiB = 64
/** A dispute event contains all evidence, up to 150,000 characters: docs.stripe.com/api/disputes/update. */
const gatewayMaxKiB = 1_024

const limitTo = (maxKiB: number) =>
  bodyLimit({
    maxSize: maxKiB * 1_024,
    onError: () => {
      // The rest of the body stays unread, so the connection cannot be reused.
      const headers = { Connection: 'close' }
      throw new HttpError('body_too_large', `The body is larger than ${maxKiB} KiB.`, { headers })
    },
  })

const limitClient = limitTo(clientMaxKiB)
const limitGateway = limitTo(gatewayMaxKiB)

export const limitBody = createMiddleware((c, next) =>
  c.req.path.startsWith('/webhooks/') ? limitGateway(c, next) : limitClient(c, next),
)

/** For routes with an optional body: scripts send an empty body with a JSON content type. Reads it as `{}`. */
export const mayBeEmpty = createMiddleware(async (c, next) => {
  if (c.req.header('content-type') !== undefined && (await c.req.text()) === '') {
    c.req.raw = new Request(c.req.raw, { body: '{}' })
    c.req.bodyCache = {}
  }
  await next()
})

const safe = new Set(['GET', 'HEAD'])

/** Accepts JSON or an empty body. */
export const readBody = createMiddleware(async (c, next) => {
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
})
