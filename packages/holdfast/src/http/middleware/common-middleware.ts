/**
 * What every door has, a shop's and a worker's: a request is named, known and bounded before a route sees it, and whatever
 * is refused is told in one way.
 */
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { HttpContext, HttpLog } from '../context.ts'
import { HttpError, type Refusal, refusalOf } from '../errors.ts'
import { harmlessLog } from '../harmless-log.ts'
import type { Html } from '../pages.ts'
import { createApp, type HttpApp, wantsPage } from '../route-helpers.ts'
import { limitBody } from './body.ts'
import { refuseUnknownRoutes } from './known-routes.ts'
import { pageHeaders } from './page-headers.ts'
import { nameRequests } from './request-id.ts'

export interface DoorOptions {
  production: boolean
  log?: HttpLog | undefined
  /** A line of the level `debug` for every request. Default false. */
  logsRequests?: boolean | undefined
  /** What a browser is shown of a refusal; none: what everybody is told. */
  page?: ((refusal: Refusal) => Html) | undefined
}

/** An app without routes; what is registered later stands behind this. */
export function openDoor({ production, log: given, logsRequests = false, page }: DoorOptions): HttpApp {
  const app = createApp()
  const log = given === undefined ? undefined : harmlessLog(given)
  app.use(nameRequests(logsRequests ? log : undefined))
  app.use(pageHeaders({ production, form: null }))
  app.use(refuseUnknownRoutes(() => app.routes))
  app.use(limitBody)

  const respond = (error: unknown, c: HttpContext): Response | Promise<Response> => {
    const requestId = c.get('requestId')
    const refusal = refusalOf(error, requestId)
    if (refusal.unexpected) {
      log?.('error', 'request failed', { requestId, method: c.req.method, path: c.req.routePath, error })
    }
    const status = refusal.status as ContentfulStatusCode
    const headers = { ...refusal.headers, 'Cache-Control': 'no-store' }
    return page !== undefined && c.req.method === 'GET' && wantsPage(c)
      ? c.html(page(refusal), status, headers)
      : c.json(refusal.body, status, headers)
  }
  app.onError(respond)
  app.notFound(c => respond(new HttpError('not_found', 'There is nothing here.'), c))
  return app
}
