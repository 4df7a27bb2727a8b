/** The guard before everything that changes something: refuses other sites, and asks for the session's CSRF token. */
import { createMiddleware } from 'hono/factory'
import type { HttpEnvironment, RequestVariables } from '../context.ts'
import { HttpError } from '../errors.ts'
import type { Shop } from '../route-helpers.ts'
import { refuseCrossSite } from './csrf.ts'

const safe = new Set(['GET', 'HEAD'])

export const protectAgainstForgery = (shop: Pick<Shop, 'csrf' | 'originOf'>) =>
  createMiddleware<{ Bindings: HttpEnvironment; Variables: RequestVariables }>(async (c, next) => {
    if (safe.has(c.req.method)) return next()
    refuseCrossSite(c.req.raw, shop.originOf(c))
    const sessionId = c.get('sessionId')
    const token = c.req.header('x-csrf-token')
    if (sessionId === null || token === undefined || !shop.csrf.matches(sessionId, token)) {
      throw new HttpError(
        'csrf_token_invalid',
        'The CSRF token is missing or does not belong to this session. GET /csrf-token gives one for X-CSRF-TOKEN.',
      )
    }
    return next()
  })
