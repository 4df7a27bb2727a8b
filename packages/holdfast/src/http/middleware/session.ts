/**
 * The browser's session: a random id in a signed cookie, made when it is first needed.
 * A cookie whose signature is not ours counts as no cookie, so nobody picks or guesses the id of another's cart.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { getSignedCookie, setCookie, setSignedCookie } from 'hono/cookie'
import { createMiddleware } from 'hono/factory'
import type { HttpContext, HttpEnvironment, RequestVariables } from '../context.ts'
import type { Csrf } from './csrf.ts'

export const sessionCookie = 'holdfast_session'
export const csrfCookie = 'holdfast_csrf'

const idBytes = 24
const idPattern = /^[A-Za-z0-9_-]{32}$/
const lifetimeSeconds = 60 * 60 * 24 * 30

/** A key of its own for each purpose, from the one secret. */
export function deriveKey(secret: string, purpose: string): string {
  return createHmac('sha256', secret).update(`holdfast:${purpose}`).digest('base64url')
}

export interface Sessions {
  /** Reads the cookie into `sessionId`. */
  readonly read: ReturnType<typeof createMiddleware<{ Bindings: HttpEnvironment; Variables: RequestVariables }>>
  /** The request's session, made now (with its cookies) where there is none. */
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
