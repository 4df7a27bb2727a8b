import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { HttpContext } from '../../../src/http/context.ts'
import { addressOf, createRateLimit } from '../../../src/http/middleware/rate-limit.ts'

async function addressOfRequest(
  headers: Record<string, string>,
  remoteAddress: string | undefined,
  trustedProxyHeader: string | null,
): Promise<string | null> {
  let seen: string | null = null
  const app = new Hono()
  app.get('/', c => {
    seen = addressOf(c as unknown as HttpContext, { trustedProxyHeader })
    return c.text('')
  })
  await app.request('/', { headers }, { incoming: { socket: { remoteAddress } } })
  return seen
}

describe('rate limit', () => {
  it('accepts exactly the limit of parallel requests', async () => {
    const limit = createRateLimit(5)
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => limit.consume('buyer')))
    expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(5)
  })

  it('counts each key separately and reports the remaining requests', async () => {
    const limit = createRateLimit(2)
    expect(await limit.consume('one')).toMatchObject({ 'X-RateLimit-Limit': '2', 'X-RateLimit-Remaining': '1' })
    expect(await limit.consume('one')).toMatchObject({ 'X-RateLimit-Remaining': '0' })
    await expect(limit.consume('one')).rejects.toMatchObject({
      code: 'rate_limited',
      headers: { 'X-RateLimit-Remaining': '0', 'Retry-After': expect.stringMatching(/^\d+$/) },
    })
    expect(await limit.consume('two')).toMatchObject({ 'X-RateLimit-Remaining': '1' })
  })

  it('is disabled by 0 requests per minute', async () => {
    expect(await createRateLimit(0).consume('anyone')).toEqual({})
  })

  it('reads only a configured proxy header, and only the last address in it', async () => {
    const headers = { 'x-forwarded-for': '198.51.100.7, 203.0.113.9' }
    expect(await addressOfRequest(headers, '192.0.2.1', null)).toBe('192.0.2.1')
    expect(await addressOfRequest(headers, '192.0.2.1', 'x-forwarded-for')).toBe('203.0.113.9')
    expect(await addressOfRequest({}, '192.0.2.1', 'x-forwarded-for')).toBe('192.0.2.1')
    expect(await addressOfRequest({}, undefined, null)).toBeNull()
  })

  it('counts all IPv6 addresses of a /64 network as one client', async () => {
    const one = await addressOfRequest({}, '2001:db8:1:2::1', null)
    expect(await addressOfRequest({}, '2001:db8:1:2:aaaa:bbbb:cccc:dddd', null)).toBe(one)
    expect(await addressOfRequest({}, '2001:0db8:0001:0002:0:0:0:9', null)).toBe(one)
    expect(await addressOfRequest({}, '2001:db8:1:3::1', null)).not.toBe(one)
    expect(await addressOfRequest({}, '::ffff:192.0.2.1', null)).toBe('192.0.2.1')
  })
})
