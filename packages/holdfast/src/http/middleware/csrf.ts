/**
 * Protection against cross-site request forgery: a token bound to the session, and the origin that the browser reports.
 * Every request that changes something needs both, JSON or form.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { HttpError } from '../errors.ts'

export interface Csrf {
  /** The token of a session. It changes only with the secret. */
  tokenFor(sessionId: string): string
  matches(sessionId: string, token: string): boolean
}

/** @param key not the key that signs sessions. */
export function createCsrf(key: string): Csrf {
  const tokenFor = (sessionId: string) => createHmac('sha256', key).update(sessionId).digest('base64url')
  return {
    tokenFor,
    matches(sessionId, token) {
      const wanted = Buffer.from(tokenFor(sessionId))
      const given = Buffer.from(token)
      return wanted.length === given.length && timingSafeEqual(wanted, given)
    },
  }
}

/**
 * Rejects a request that another site sent. Browsers report it in `Sec-Fetch-Site`, older ones in `Origin`. A client
 * that sends neither is not a browser, so it has no cookies to abuse.
 * @throws {HttpError} `cross_site`
 */
export function refuseCrossSite(request: Request, ownOrigin: string): void {
  const site = request.headers.get('sec-fetch-site')
  const origin = request.headers.get('origin')
  const foreign =
    site !== null ? site !== 'same-origin' && site !== 'none' : origin !== null && hostOf(origin) !== hostOf(ownOrigin)
  if (foreign) throw new HttpError('cross_site', 'Requests from other sites are not accepted.')
}

/** Host and port. The scheme differs behind a proxy that terminates TLS. */
function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host
  } catch {
    return null
  }
}
