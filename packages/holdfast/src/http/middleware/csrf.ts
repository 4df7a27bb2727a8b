/**
 * Keeps other sites from acting in a buyer's name: a token bound to the session, and the browser's own word on where
 * a request comes from. Both are asked of every request that changes something, JSON or form.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { HttpError } from '../errors.ts'

export interface Csrf {
  /** The token of a session; the same as long as the secret is. */
  tokenFor(sessionId: string): string
  matches(sessionId: string, token: string): boolean
}

/** @param key of its own, not the one that signs sessions. */
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
 * Refuses what another site sent. Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; a client that sends
 * neither is no browser and has no cookies to abuse.
 * @throws {HttpError} `cross_site`
 */
export function refuseCrossSite(request: Request, ownOrigin: string): void {
  const site = request.headers.get('sec-fetch-site')
  const origin = request.headers.get('origin')
  const foreign =
    site !== null ? site !== 'same-origin' && site !== 'none' : origin !== null && hostOf(origin) !== hostOf(ownOrigin)
  if (foreign) throw new HttpError('cross_site', 'This request came from another site and was refused.')
}

/** Host and port only: behind a proxy that ends TLS the scheme differs. */
function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host
  } catch {
    return null
  }
}
