/**
 * The grace period between reporting "not ready" and closing the port. A load balancer sees the failed readiness probe
 * first, and requests that it sends until then are still answered. Skipped if no probe came lately; bounded to seconds.
 */
import type { HttpHandler } from 'holdfast/http'

export interface Draining {
  /** Wraps a handler and records when a readiness probe arrives. */
  watch(handler: HttpHandler): HttpHandler
  /** Call it once `/health/ready` reports "not ready"; resolves when the port may close. */
  done(): Promise<void>
}

export interface DrainingOptions {
  /** How long the port stays open, milliseconds; default 3,000. */
  openMs?: number
  /** A probe within so many milliseconds means that a load balancer is probing; default 30,000. */
  recentMs?: number
}

export function createDraining({ openMs = 3_000, recentMs = 30_000 }: DrainingOptions = {}): Draining {
  let probedAt = Number.NEGATIVE_INFINITY
  return {
    watch: handler => (request, environment) => {
      if (new URL(request.url).pathname === '/health/ready') probedAt = performance.now()
      return handler(request, environment)
    },
    async done() {
      if (performance.now() - probedAt > recentMs) return
      await new Promise(resolve => setTimeout(resolve, openMs))
    },
  }
}
