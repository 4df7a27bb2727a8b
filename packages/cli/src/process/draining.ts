/**
 * The moment between "this process is ending" and the closed door: a balancer that asks for readiness hears first that it
 * is not to be sent anything more, and what it sends until it has understood is still served. Where nobody asks, there is
 * nobody to wait for. Bounded, so that ending takes seconds.
 */
import type { HttpHandler } from 'holdfast/http'

export interface Draining {
  /** The same handler; whoever asks for readiness through it is remembered. */
  watch(handler: HttpHandler): HttpHandler
  /** Called when `/health/ready` says no; resolves when the door may close. */
  done(): Promise<void>
}

export interface DrainingOptions {
  /** How long the door stays open, milliseconds; default 3,000. */
  openMs?: number
  /** Whoever has asked within so many milliseconds is taken to ask again; default 30,000. */
  recentMs?: number
}

export function createDraining({ openMs = 3_000, recentMs = 30_000 }: DrainingOptions = {}): Draining {
  let askedAt = Number.NEGATIVE_INFINITY
  return {
    watch: handler => (request, environment) => {
      if (new URL(request.url).pathname === '/health/ready') askedAt = performance.now()
      return handler(request, environment)
    },
    async done() {
      if (performance.now() - askedAt > recentMs) return
      await new Promise(resolve => setTimeout(resolve, openMs))
    },
  }
}
