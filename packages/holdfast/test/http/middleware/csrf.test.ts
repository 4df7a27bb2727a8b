import { describe, expect, it } from 'vitest'
import { createCsrf, refuseCrossSite } from '../../../src/http/middleware/csrf.ts'

const own = 'https://shop.example'
const from = (headers: Record<string, string>) => () => refuseCrossSite(new Request(own, { headers }), own)

describe('CSRF protection', () => {
  it('accepts a token only for its session and secret', () => {
    const csrf = createCsrf('key')
    const token = csrf.tokenFor('one')
    expect(csrf.matches('one', token)).toBe(true)
    expect(csrf.matches('two', token)).toBe(false)
    expect(createCsrf('other').matches('one', token)).toBe(false)
    expect(csrf.matches('one', '')).toBe(false)
    expect(csrf.matches('one', `${token}x`)).toBe(false)
  })

  it.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'https://shop.example.evil.example' },
    { 'sec-fetch-site': 'cross-site', origin: own },
  ])('rejects a request with the headers %j', headers => {
    expect(from(headers)).toThrow(expect.objectContaining({ code: 'cross_site' }))
  })

  it.each<Record<string, string>>([
    {},
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { origin: own },
    { origin: 'http://shop.example' },
  ])('accepts a request with the headers %j', headers => {
    expect(from(headers)).not.toThrow()
  })
})
