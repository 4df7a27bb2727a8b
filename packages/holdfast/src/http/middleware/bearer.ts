/**
 * A guard that requires a secret as a bearer token and compares it in constant time. Cookies are ignored, so another
 * site cannot use an operator's browser. Guessing is limited per address.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { HttpContext } from '../context.ts'
import { HttpError, type HttpErrorCode } from '../errors.ts'
import { createMiddleware } from './create-middleware.ts'
import type { RateLimit } from './rate-limit.ts'

/** Wrong secrets per minute and address. Further requests from that address are rejected until the minute ends. */
export const wrongSecretsPerMinute = 10

export interface BearerOptions {
  /** The protection space, as in `WWW-Authenticate`: "admin". */
  realm: string
  secret: string
  /** The error code of the 401 response. */
  refusal: HttpErrorCode
  attempts: Attempts
}

export interface Attempts {
  /**
   * Counts each attempt before the secret is compared, so parallel attempts cannot exceed it. A correct one is
   * refunded.
   */
  limit: RateLimit
  addressOf(c: HttpContext): string | null
}

const digest = (text: string) => createHash('sha256').update(text).digest()

export function guardWithBearer({ realm, secret, refusal, attempts: { limit, addressOf } }: BearerOptions) {
  const wanted = digest(secret)
  return createMiddleware(async (c, next) => {
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

/** Rejects every request with `message`. */
export function closed(code: HttpErrorCode, message: string) {
  return createMiddleware(async () => {
    throw new HttpError(code, message)
  })
}
