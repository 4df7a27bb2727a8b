/** Tells a path that does not exist (404) from one that exists for other methods (405), before any guard is asked. */
import { createMiddleware } from 'hono/factory'
import type { HttpEnvironment, RequestVariables } from '../context.ts'
import { HttpError } from '../errors.ts'

interface Route {
  method: string
  path: string
}

/** @param routesOf read at the first request, when every route is registered. */
export function refuseUnknownRoutes(routesOf: () => readonly Route[]) {
  let patterns: { method: string; pattern: RegExp }[] | undefined
  return createMiddleware<{ Bindings: HttpEnvironment; Variables: RequestVariables }>(async (c, next) => {
    patterns ??= routesOf()
      .filter(route => route.method !== 'ALL')
      .map(route => ({ method: route.method, pattern: patternOf(route.path) }))
    const methods = new Set(patterns.filter(({ pattern }) => pattern.test(c.req.path)).map(({ method }) => method))
    if (methods.size === 0) throw new HttpError('not_found', 'There is nothing here.')
    if (methods.has('GET')) methods.add('HEAD')
    if (!methods.has(c.req.method)) {
      throw new HttpError('method_not_allowed', 'This address does not take that method.', {
        headers: { Allow: [...methods].sort().join(', ') },
      })
    }
    await next()
  })
}

function patternOf(path: string): RegExp {
  const segments = path
    .split('/')
    .map(segment => (segment.startsWith(':') ? '[^/]+' : segment.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))
  return new RegExp(`^${segments.join('/')}$`)
}
