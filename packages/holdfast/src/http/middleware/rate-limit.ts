/**
 * Rate limits: checkouts by user or address, wrong admin secrets by address. A request is counted before anything else
 * is awaited, so parallel requests cannot exceed the limit.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { HttpContext } from '../context.ts'
import { HttpError } from '../errors.ts'

export interface RateLimit {
  /**
   * Counts one request for `key`. Gives headers with the remaining requests.
   * @throws {HttpError} `rate_limited`
   */
  consume(key: string): Promise<Record<string, string>>
  /** Subtracts one request of `key`. */
  giveBack(key: string): Promise<void>
}

/** @param perMinute 0: no limit and no headers. */
export function createRateLimit(perMinute: number, durationSeconds = 60): RateLimit {
  if (perMinute === 0) return { consume: async () => ({}), giveBack: async () => {} }
  const limiter = new RateLimiterMemory({ points: perMinute, duration: durationSeconds })
  const headersOf = (state: RateLimiterRes) => ({
    'X-RateLimit-Limit': String(perMinute),
    'X-RateLimit-Remaining': String(Math.max(0, state.remainingPoints)),
    // When the count restarts, in seconds since 1970.
    'X-RateLimit-Reset': String(Math.ceil((Date.now() + state.msBeforeNext) / 1000)),
  })
  return {
    async consume(key) {
      try {
        return headersOf(await limiter.consume(key))
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        const seconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1000))
        throw new HttpError('rate_limited', `Too many attempts. Try again in ${seconds} seconds.`, {
          context: { retry_after: seconds },
          headers: { ...headersOf(refused), 'Retry-After': String(seconds) },
        })
      }
    },
    async giveBack(key) {
      await limiter.reward(key)
    },
  }
}

/**
 * The client's address: that of the socket, or the last one in the configured proxy header. The trusted proxy appended
 * the last one; the client may have written those before it. IPv6 addresses are given as /64 networks, the smallest
 * that providers assign.
 */
export function addressOf(
  c: HttpContext,
  options: { trustedProxyHeader?: string | null; remoteAddress?: ((request: Request) => string | null) | undefined },
): string | null {
  const header = options.trustedProxyHeader ? c.req.header(options.trustedProxyHeader) : undefined
  const named = header?.split(',').at(-1)?.trim()
  const address = named || options.remoteAddress?.(c.req.raw) || c.env?.incoming?.socket?.remoteAddress || null
  return address === null ? null : networkOf(address)
}

function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1]) return mapped[1]
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  const groups = [...left, ...zeros, ...right].slice(0, 4).map(group => group.replace(/^0+(?=.)/, '').toLowerCase())
  return `${groups.join(':')}::/64`
}
