/**
 * Browser sessions: a random ID in a signed cookie, created when a request first needs one. A cookie with a wrong
 * signature is ignored, so a client can neither choose a session ID nor guess that of another buyer.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { getSignedCookie, setCookie, setSignedCookie } from 'hono/cookie'
import type { HttpContext, HttpEnv } from '../context.ts'
import { createMiddleware } from './create-middleware.ts'
import type { Csrf } from './csrf.ts'

export const sessionCookie = 'holdfast_session'
export const csrfCookie = 'holdfast_csrf'

const idBytes = 24
const idPattern = /^[A-Za-z0-9_-]{32}$/
const lifetimeSeconds = 60 * 60 * 24 * 30

/** Derives a separate key for each purpose from the secret. */
export function deriveKey(secret: string, purpose: string): string {
  return createHmac('sha256', secret).update(`holdfast:${purpose}`).digest('base64url')
}

export interface Sessions {
  /** Sets `sessionId` from the cookie. */
  readonly read: MiddlewareHandler<HttpEnv>
  /** The session of the request. Creates one, with its cookies, if there is none. */
  require(c: HttpContext): Promise<string>
}

export function createSessions(options: { secret: string; production: boolean; csrf: Csrf }): Sessions {
  const { production, csrf } = options
  const key = deriveKey(options.secret, 'session')
  const attributes = { path: '/', sameSite: 'Lax', secure: production, maxAge: lifetimeSeconds } as const

  return {
    read: createMiddleware(async (c, next) => {
      const value = await getSignedCookie(c, key, sessionCookie)
      c.set('sessionId', typeof value === 'string' && idPattern.test(value) ? value : null)
      await next()
    }),

    async require(c) {
      const known = c.get('sessionId')
      if (known !== null) return known
      const id = randomBytes(idBytes).toString('base64url')
      await setSignedCookie(c, sessionCookie, id, key, { ...attributes, httpOnly: true })
      setCookie(c, csrfCookie, csrf.tokenFor(id), attributes)
      c.set('sessionId', id)
      return id
    },
  }
}
