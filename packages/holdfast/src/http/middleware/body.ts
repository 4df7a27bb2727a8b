/** Reads a request's body once: bounded, of a known kind, valid JSON, and free of card data before any route sees it. */
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import type { HttpEnvironment, RequestVariables } from '../context.ts'
import { HttpError } from '../errors.ts'
import { holdsCardData } from './card-data.ts'

const clientMaxKiB = 64
/** An event about a dispute carries all its evidence: at Stripe 150,000 characters. */
const gatewayMaxKiB = 1_024

const limitTo = (maxKiB: number) =>
  bodyLimit({
    maxSize: maxKiB * 1_024,
    onError: () => {
      // What is left of it is not read, so nothing else can come on this connection.
      const headers = { Connection: 'close' }
      throw new HttpError('body_too_large', `The body is larger than ${maxKiB} KiB.`, { headers })
    },
  })

const limitClient = limitTo(clientMaxKiB)
const limitGateway = limitTo(gatewayMaxKiB)

export const limitBody = createMiddleware((c, next) =>
  c.req.path.startsWith('/webhooks/') ? limitGateway(c, next) : limitClient(c, next),
)

/** For routes whose body may be left out: nothing under JSON's name, as a script sends it, is no mistake. */
export const mayBeEmpty = createMiddleware(async (c, next) => {
  if (c.req.header('content-type') !== undefined && (await c.req.text()) === '') {
    c.req.raw = new Request(c.req.raw, { body: '{}' })
    c.req.bodyCache = {}
  }
  await next()
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
