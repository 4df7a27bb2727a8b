/** The guard of requests that change something: rejects other sites and requires the session's CSRF token. */
import { HttpError } from '../errors.ts'
import type { ShopParts } from '../shop-parts.ts'
import { createMiddleware } from './create-middleware.ts'
import { refuseCrossSite } from './csrf.ts'

const safe = new Set(['GET', 'HEAD'])

export const rejectForgery = (shop: Pick<ShopParts, 'csrf' | 'originOf'>) =>
  createMiddleware(async (c, next) => {
    if (safe.has(c.req.method)) return next()
    refuseCrossSite(c.req.raw, shop.originOf(c))
    const sessionId = c.get('sessionId')
    const token = c.req.header('x-csrf-token')
    if (sessionId === null || token === undefined || !shop.csrf.matches(sessionId, token)) {
      throw new HttpError(
        'csrf_token_invalid',
        'The CSRF token is missing or belongs to another session. Send the token of GET /csrf-token as X-CSRF-TOKEN.',
      )
    }
    return next()
  })
