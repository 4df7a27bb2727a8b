/**
 * The ID of each request, taken from `X-Request-Id` if valid, else generated. The response and log lines carry it.
 * Not `hono/request-id`: that one rejects `.`, `:`, `+`, and `/`, which the IDs of proxies contain.
 */
import { randomUUID } from 'node:crypto'
import { matchedRoutes } from 'hono/route'
import type { HttpContext, HttpLog } from '../context.ts'
import { createMiddleware } from './create-middleware.ts'

const header = 'X-Request-Id'
const wellFormed = /^[\w.:+/=-]{1,128}$/

function idOf(c: HttpContext): string {
  const given = c.req.header(header)
  return given !== undefined && wellFormed.test(given) ? given : randomUUID()
}

/** The pattern of the matched route, "/cart/lines/:id". Unlike the path it never contains input. */
function patternOf(c: HttpContext): string | undefined {
  return matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path
}

/** @param log receives a line of the level `debug` per request, without query and body. Default: none. */
export function assignRequestId(log: HttpLog | undefined) {
  return createMiddleware(async (c, next) => {
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
