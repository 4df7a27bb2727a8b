/**
 * At most so many a minute: checkouts by user, else by address; wrong admin secrets by address.
 * A request is counted before anything else is awaited, so parallel ones cannot slip past.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { HttpContext } from '../context.ts'
import { HttpError } from '../errors.ts'

export interface RateLimit {
  /**
   * Counts one request for `key` and gives the headers that tell how many are left.
   * @throws {HttpError} `rate_limited`
   */
  consume(key: string): Promise<Record<string, string>>
  /** Takes one request of `key` off the count again. */
  giveBack(key: string): Promise<void>
}

/** @param perMinute 0: no limit, no headers. */
export function createRateLimit(perMinute: number, durationSeconds = 60): RateLimit {
  if (perMinute === 0) return { consume: async () => ({}), giveBack: async () => {} }
  const limiter = new RateLimiterMemory({ points: perMinute, duration: durationSeconds })
  const headersOf = (state: RateLimiterRes) => ({
    'X-RateLimit-Limit': String(perMinute),
    'X-RateLimit-Remaining': String(Math.max(0, state.remainingPoints)),
    // When the count starts anew, in seconds since 1970.
    'X-RateLimit-Reset': String(Math.ceil((Date.now() + state.msBeforeNext) / 1000)),
  })
  return {
    async consume(key) {
      try {
        return headersOf(await limiter.consume(key))
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        const seconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1000))
        throw new HttpError('rate_limited', `Too many attempts; try again in ${seconds} seconds.`, {
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
 * The client's address: the socket's, or the last one that the configured proxy header names (the one our own proxy
 * saw; what stands before it was written by the client). IPv6 counts by /64, the smallest thing a household is given.
 */
export function addressOf(
  c: HttpContext,
  options: { trustedProxyHeader?: string | null; remoteAddress?: ((request: Request) => string | null) | undefined },
): string | null {
  const header = options.trustedProxyHeader ? c.req.header(options.trustedProxyHeader) : undefined
  const told = header?.split(',').at(-1)?.trim()
  const address = told || options.remoteAddress?.(c.req.raw) || c.env?.incoming?.socket?.remoteAddress || null
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
