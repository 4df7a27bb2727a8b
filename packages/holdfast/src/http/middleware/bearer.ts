/**
 * A secret that opens a part of the shop, sent as a bearer token and compared in constant time. No cookie opens it, so
 * no other site can act in somebody's name, and whoever guesses is soon locked out.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createMiddleware } from 'hono/factory'
import type { HttpContext, HttpEnvironment, RequestVariables } from '../context.ts'
import { HttpError, type HttpErrorCode } from '../errors.ts'
import type { RateLimit } from './rate-limit.ts'

/** Wrong secrets a minute from one address; then nobody there is let in until the minute is over. */
export const wrongSecretsPerMinute = 10

export interface BearerOptions {
  /** What it opens: "admin". */
  realm: string
  secret: string
  /** The code of a refusal; it is answered with 401. */
  refusal: HttpErrorCode
  attempts: Attempts
}

export interface Attempts {
  /** Counts an attempt before it is looked at, so that parallel ones cannot slip past; a right one is given back. */
  limit: RateLimit
  addressOf(c: HttpContext): string | null
}

const digest = (text: string) => createHash('sha256').update(text).digest()

export function guardWithBearer({ realm, secret, refusal, attempts: { limit, addressOf } }: BearerOptions) {
  const wanted = digest(secret)
  return createMiddleware<{ Bindings: HttpEnvironment; Variables: RequestVariables }>(async (c, next) => {
    const who = `${realm}:${addressOf(c) ?? 'unknown'}`
    await limit.consume(who)
    const given = /^bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
    if (!timingSafeEqual(digest(given), wanted)) {
      throw new HttpError(refusal, `Send the ${realm} secret as Authorization: Bearer.`, {
        headers: { 'WWW-Authenticate': `Bearer realm="${realm}"` },
      })
    }
    await limit.giveBack(who)
    await next()
  })
}

/** Lets nobody in, and says why. */
export function closed(code: HttpErrorCode, message: string) {
  return createMiddleware<{ Bindings: HttpEnvironment; Variables: RequestVariables }>(async () => {
    throw new HttpError(code, message)
  })
}
