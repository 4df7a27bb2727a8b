/**
 * Names every request: by the id it brought, where that is one, else by a new one. The answer says it, lines of the log
 * say it, and on demand each request is a line of its own: without query, body or anybody's name.
 */
import { randomUUID } from 'node:crypto'
import { createMiddleware } from 'hono/factory'
import { matchedRoutes } from 'hono/route'
import type { HttpContext, HttpEnvironment, HttpLog, RequestVariables } from '../context.ts'

const header = 'X-Request-Id'
const wellFormed = /^[\w.:+/=-]{1,128}$/

function idOf(c: HttpContext): string {
  const given = c.req.header(header)
  return given !== undefined && wellFormed.test(given) ? given : randomUUID()
}

/** The pattern of the route that a request went to, "/cart/lines/:id"; what it was asked for may hold anything. */
function patternOf(c: HttpContext): string | undefined {
  return matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path
}

/** @param log told of every request, at the level `debug`; none: requests are not told of. */
export function nameRequests(log: HttpLog | undefined) {
  return createMiddleware<{ Bindings: HttpEnvironment; Variables: RequestVariables }>(async (c, next) => {
    const startedAt = performance.now()
    const requestId = idOf(c)
    c.set('requestId', requestId)
    c.set('sessionId', null)
    c.set('userId', null)
    c.header(header, requestId)
    await next()
    if (log === undefined) return
    const { method } = c.req
    const durationMs = Math.round((performance.now() - startedAt) * 100) / 100
    log('debug', 'request', { method, path: patternOf(c), status: c.res.status, durationMs, requestId })
  })
}
