/** Secrets are removed from every kind of value, and no value makes redaction throw. */
import { describe, expect, it } from 'vitest'
import { createLog } from '../../../src/observe/log/log.ts'
import { redact } from '../../../src/observe/log/redact.ts'

describe('redaction', () => {
  it('removes tokens, secrets and card numbers at any depth', () => {
    const lines: string[] = []
    for (const pretty of [true, false]) {
      createLog({ pretty, write: line => lines.push(line) }).info('[Checkout] paid with tok_approve', {
        token: 'canary',
        nested: { payment_token: 'canary', list: ['card 4242 4242 4242 4242', '4242424242424242'] },
        headers: { authorization: 'Bearer canary', cookie: 'session=canary', 'x-api-key': 'canary' },
        map: new Map([['client_secret', 'canary']]),
        set: new Set(['whsec_canary/+=']),
        card: { number: 4242424242424242, cvc: 'canary', privateKey: 'canary' },
        err: new Error('refused tok_decline for 4242-4242-4242-4242', {
          cause: new AggregateError([new Error('sk_live_canary')], 'Authorization: Bearer abc.def.canary'),
        }),
      })
    }
    expect(lines).toHaveLength(2)
    expect(lines.join('')).not.toMatch(/tok_|4242|canary/)
  })

  it.each([
    'connect postgres://shop:canary@db.internal:5432/shop failed',
    'postgres://shop:c@n/ry-canary@db/shop',
    'smtp://mail:canary@mail.example.com and redis://:canary@cache:6379/0',
    'POST https://hooks.slack.com/services/T0CANARY/B0CANARY/canary answered 404',
    'https://discord.com/api/webhooks/12/canary',
    'signed with whsec_canary+/=',
    'Bearer canary0123456789',
    'authorization bearer canary0123456789',
    '{"cvc":"canary"} cvv: canary security_code=canary private_key=canary',
    'basic Basic Y2FuYXJ5OmNhbmFyeQ==',
    'GET /pay?client_secret=canary&x=1',
    '{"client_secret":"canary","password": "canary"}',
    'host=db user=shop password=canary dbname=shop',
    'pi_3Ab_secret_canary and rk_live_canary and xoxb-12-canary',
    'jwt eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjF9.canary',
  ])('removes credentials from a text: %s', text => {
    expect(redact(new Error(text)) as { message: string }).toMatchObject({
      message: expect.not.stringMatching(/canary|Y2FuYXJ5/i),
    })
    expect(JSON.stringify(redact(new Error(text)))).not.toMatch(/canary|Y2FuYXJ5/i)
  })

  it('keeps values that only look like secrets', () => {
    const fields = {
      lockId: '01920000-0000-7000-8000-000000000001',
      payment_authorization: { authorization_id: 'sbx_01920000-0000-7000-8000-000000000001:authorize:1', amount: 2300 },
      reference: 'pi_3PqCanBeSeen',
      at: '2026-11-23T02:16:00.000Z',
      count: 1732324560000,
      // A time in microseconds whose last digit is a valid Luhn check digit.
      microseconds: 1732324560000009,
      amountMinor: 9_007_199_254_740_991,
      url: 'https://shop.example:8443/checkout?page=2',
      words: ['Basic shipping', 'the bearer of news', 'The token is not known here.', 'code=payment_declined'],
    }
    expect(redact(fields)).toEqual(fields)
  })

  it('never throws, and bounds its result, for any input', () => {
    const cyclic: Record<string, unknown> = { name: 'ring' }
    cyclic.self = cyclic
    const failing = new Error('outer')
    failing.cause = failing
    const locked = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no')
        },
      },
    )
    const given = {
      cyclic,
      failing,
      locked,
      get broken() {
        throw new Error('no')
      },
      symbol: Symbol('mark'),
      [Symbol('key')]: 'tok_hidden',
      big: 12n,
      when: new Date(Number.NaN),
      bytes: new Uint8Array(3),
      run() {},
      text: 'x'.repeat(1_000_000),
      many: Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => ({ a: { b: { c: { d: 1 } } } }))),
      wide: Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, index])),
    }
    const clean = redact(given) as Record<string, unknown>
    expect(clean).toMatchObject({
      cyclic: { name: 'ring', self: '[cyclic]' },
      failing: { message: 'outer', cause: '[cyclic]' },
      locked: '[unreadable]',
      broken: '[unreadable]',
      symbol: 'Symbol(mark)',
      big: '12',
      when: 'Invalid Date',
      bytes: '[3 bytes]',
      run: '[function]',
    })
    expect(JSON.stringify(clean).length).toBeLessThan(200_000)
    expect(JSON.stringify(clean)).not.toContain('tok_hidden')
    expect(redact(Object.create(null))).toEqual({})
    expect(redact(undefined)).toBeUndefined()
  })
})
