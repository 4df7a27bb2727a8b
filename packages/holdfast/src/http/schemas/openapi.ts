/** The OpenAPI 3.1 description of the HTTP API, generated from the schemas that validate requests. */
import type { HttpApp } from '../create-app.ts'

export function describeApi(app: HttpApp): void {
  let document: ReturnType<HttpApp['getOpenAPI31Document']> | undefined
  app.get('/openapi.json', c => {
    document ??= app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Holdfast',
        version: '0.1.0',
        description:
          'Money is in integer minor units, next to its currency. Times are ISO 8601 in UTC. Requests that change something ' +
          'need the session cookie and its CSRF token (`GET /csrf-token`) in `X-CSRF-TOKEN`. Requests under `/admin` need ' +
          'the admin secret as a bearer token instead; cookies are ignored there.',
      },
    })
    return c.json(document)
  })
}
