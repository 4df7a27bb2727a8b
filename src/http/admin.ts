/**
 * The guard before `/admin`: closed until a secret is configured, then open to whoever sends it as a bearer token. No
 * cookie opens it, so no other site can act in an administrator's name.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createMiddleware } from 'hono/factory'
import type { HttpContext, HttpEnvironment, RequestVariables } from './context.ts'
import { HttpError } from './errors.ts'
import type { RateLimit } from './rate-limit.ts'

/** Wrong secrets a minute from one address; then nobody there is let in until the minute is over. */
export const wrongSecretsPerMinute = 10

export interface AdminGuardOptions {
  /** Null or empty: closed. */
  secret: string | null
  /** Counts an attempt before it is looked at, so that parallel ones cannot slip past; a right one is given back. */
  attempts: RateLimit
  addressOf(c: HttpContext): string | null
}

const digest = (text: string) => createHash('sha256').update(text).digest()

export function guardAdmin({ secret, attempts, addressOf }: AdminGuardOptions) {
  const wanted = secret === null || secret === '' ? null : digest(secret)
  return createMiddleware<{ Bindings: HttpEnvironment; Variables: RequestVariables }>(async (c, next) => {
    if (wanted === null) {
      throw new HttpError('admin_closed', 'Administration over HTTP is closed until CHECKOUT_ADMIN_SECRET is set.')
    }
    const who = `admin:${addressOf(c) ?? 'unknown'}`
    await attempts.consume(who)
    const given = /^bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
    if (!timingSafeEqual(digest(given), wanted)) {
      throw new HttpError('admin_unauthorized', 'Send the admin secret as Authorization: Bearer.', {
        headers: { 'WWW-Authenticate': 'Bearer realm="admin"' },
      })
    }
    await attempts.giveBack(who)
    await next()
  })
}
