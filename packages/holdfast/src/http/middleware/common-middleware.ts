/**
 * The base app of shop and worker: every request has an ID, a known route, and a bounded body before a route runs, and
 * every error has the same shape.
 */
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { HttpContext, HttpLog } from '../context.ts'
import { createApp, type HttpApp } from '../create-app.ts'
import { HttpError, type Refusal, refusalOf } from '../errors.ts'
import { noStore } from '../no-store.ts'
import type { Html } from '../pages.ts'
import { safeLog } from '../safe-log.ts'
import { wantsPage } from '../show-page.ts'
import { limitBody } from './body.ts'
import { rejectUnknownRoutes } from './known-routes.ts'
import { pageHeaders } from './page-headers.ts'
import { assignRequestId } from './request-id.ts'

export interface BaseAppOptions {
  production: boolean
  log?: HttpLog | undefined
  /** Write a line of the level `debug` per request. Default false. */
  logsRequests?: boolean | undefined
  /** Renders an error for browsers. Default: browsers get JSON as every client. */
  page?: ((refusal: Refusal) => Html) | undefined
}

/** An app without routes. Routes that are registered later run behind this middleware. */
export function createBaseApp({ production, log: given, logsRequests = false, page }: BaseAppOptions): HttpApp {
  const app = createApp()
  const log = given === undefined ? undefined : safeLog(given)
  app.use(assignRequestId(logsRequests ? log : undefined))
  app.use(pageHeaders({ production, form: null }))
  app.use(rejectUnknownRoutes(() => app.routes))
  app.use(limitBody)

  const respond = (error: unknown, c: HttpContext): Response | Promise<Response> => {
    const requestId = c.get('requestId')
    const refusal = refusalOf(error, requestId)
    if (refusal.unexpected) {
      log?.('error', 'request failed', { requestId, method: c.req.method, path: c.req.routePath, error })
    }
    const status = refusal.status as ContentfulStatusCode
    const headers = { ...refusal.headers, ...noStore }
    return page !== undefined && c.req.method === 'GET' && wantsPage(c)
      ? c.html(page(refusal), status, headers)
      : c.json(refusal.body, status, headers)
  }
  app.onError(respond)
  app.notFound(c => respond(new HttpError('not_found', 'Not found.'), c))
  return app
}
