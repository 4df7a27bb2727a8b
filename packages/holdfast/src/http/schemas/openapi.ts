/** The HTTP interface described by itself: OpenAPI 3.1, from the schemas that validate the requests. */
import type { HttpApp } from '../route-helpers.ts'

export function describeApi(app: HttpApp): void {
  let document: ReturnType<HttpApp['getOpenAPI31Document']> | undefined
  app.get('/openapi.json', c => {
    document ??= app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Holdfast',
        version: '0.1.0',
        description:
          'Money is in integer minor units beside its currency; times are ISO 8601 in UTC. Every request that changes ' +
          'something carries the session cookie and its token (`GET /csrf-token`) in `X-CSRF-TOKEN`; those under `/admin` ' +
          'carry the admin secret as a bearer token instead, and no cookie counts there.',
      },
    })
    return c.json(document)
  })
}
