/** Rejects unknown paths (404) and unsupported methods of known paths (405), before any guard runs. */
import { HttpError } from '../errors.ts'
import { createMiddleware } from './create-middleware.ts'

interface Route {
  method: string
  path: string
}

/** @param routesOf called on the first request, when all routes are registered. */
export function rejectUnknownRoutes(routesOf: () => readonly Route[]) {
  let patterns: { method: string; pattern: RegExp }[] | undefined
  return createMiddleware(async (c, next) => {
    patterns ??= routesOf()
      .filter(route => route.method !== 'ALL')
      .map(route => ({ method: route.method, pattern: patternOf(route.path) }))
    const methods = new Set(patterns.filter(({ pattern }) => pattern.test(c.req.path)).map(({ method }) => method))
    if (methods.size === 0) throw new HttpError('not_found', 'Not found.')
    if (methods.has('GET')) methods.add('HEAD')
    if (!methods.has(c.req.method)) {
      throw new HttpError('method_not_allowed', 'Method not allowed.', {
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
