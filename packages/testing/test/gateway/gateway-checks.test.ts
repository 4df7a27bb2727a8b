import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GatewayAnswer, GatewayPayment, PaymentGateway } from '../../../holdfast/src/payments/gateway.ts'
import { books, openSandbox, type Sandbox, tokens } from '../../../holdfast/test/payments/sandbox/fixture.ts'
import { checkGateway, gatewayChecks } from '../../src/gateway/gateway-checks.ts'

/** What a gateway gets wrong, over one that gets it right. */
type Mistake = (right: PaymentGateway) => Partial<PaymentGateway>

const succeeded = (answer: GatewayAnswer, change: { amountMinor: number }): GatewayAnswer =>
  answer.outcome === 'succeeded' ? { ...answer, ...change } : answer

const mistakes: readonly [name: string, mistake: Mistake, found: readonly string[]][] = [
  [
    'authorizes a repeated key again',
    right => ({
      authorize: call => right.authorize({ ...call, idempotencyKey: `${call.idempotencyKey}:${v7()}` }),
    }),
    ['authorizes_a_key_once', 'authorizes_a_key_once_at_once', 'refuses_a_key_with_other_parameters', 'fences_before'],
  ],
  [
    'does not fence: it forgets the void of what it never saw',
    right => ({
      async void(call) {
        const known = await right.lookup({ ...call, kind: 'authorize', idempotencyKey: call.authorizationKey })
        if (known.outcome !== 'not_found') return right.void(call)
        return { outcome: 'succeeded', reference: 'none', amountMinor: 0, currency: 'XXX' }
      },
    }),
    ['fences_before'],
  ],
  [
    'answers a void without voiding',
    () => ({
      async void() {
        return { outcome: 'succeeded', reference: 'none', amountMinor: 0, currency: 'XXX' }
      },
    }),
    ['fences_before', 'fences_after', 'fences_a_race', 'refuses_a_capture', 'refuses_to_void_a_capture'],
  ],
  [
    'authorizes one minor unit more',
    right => ({
      authorize: call => right.authorize({ ...call, amountMinor: call.amountMinor + 1 }),
    }),
    ['authorizes_as_asked', 'captures_no_more_than_authorized'],
  ],
  [
    'says another amount than it authorized',
    right => ({
      authorize: async call => succeeded(await right.authorize(call), { amountMinor: call.amountMinor - 1 }),
    }),
    ['authorizes_as_asked'],
  ],
  [
    'answers a known key whatever comes with it',
    right => {
      const answers = new Map<string, Promise<GatewayAnswer>>()
      return {
        authorize(call) {
          const answer = answers.get(call.idempotencyKey) ?? right.authorize(call)
          answers.set(call.idempotencyKey, answer)
          return answer
        },
      }
    },
    ['refuses_a_key_with_other_parameters'],
  ],
  [
    'captures one minor unit less than it says',
    right => ({
      async capture(call) {
        const answer = await right.capture({ ...call, amountMinor: call.amountMinor - 1 })
        return succeeded(answer, { amountMinor: call.amountMinor })
      },
    }),
    ['captures_as_asked', 'captures_a_key_once_at_once', 'captures_once'],
  ],
  [
    'declines to void what is void',
    right => ({
      async void(call) {
        const known = await right.lookup({ ...call, kind: 'authorize', idempotencyKey: call.authorizationKey })
        if (known.outcome !== 'declined') return right.void(call)
        return { outcome: 'declined', code: 'already_voided', message: 'The authorization was voided.' }
      },
    }),
    ['voids_twice'],
  ],
  [
    'does not recognize a repeated capture',
    right => ({
      capture: call => right.capture({ ...call, idempotencyKey: `${call.idempotencyKey}:${v7()}` }),
    }),
    ['captures_a_key_once_at_once'],
  ],
  [
    'says captured to every capture',
    right => ({
      async capture(call) {
        const { reference, amountMinor, currency } = call
        await right.capture(call)
        return { outcome: 'succeeded', reference, amountMinor, currency }
      },
    }),
    ['captures_once', 'captures_no_more_than_authorized', 'refuses_a_capture', 'fences_after'],
  ],
  [
    'refunds again for a repeated key',
    right => ({
      refund: call => right.refund({ ...call, idempotencyKey: `${call.idempotencyKey}:${v7()}` }),
    }),
    ['refunds_a_key_once_at_once'],
  ],
  [
    'says refunded to every refund',
    right => ({
      async refund(call) {
        const { reference, amountMinor, currency } = call
        await right.refund(call)
        return { outcome: 'succeeded', reference, amountMinor, currency }
      },
    }),
    ['refunds_within_bounds', 'refunds_only_captures'],
  ],
  [
    'approves what it should decline',
    right => ({ authorize: call => right.authorize({ ...call, token: tokens.approve }) }),
    ['declines', 'refuses_a_capture'],
  ],
  [
    'cannot find anything',
    () => ({
      async lookup() {
        return { outcome: 'not_found' }
      },
    }),
    ['refuses_a_key_with_other_parameters', 'finds_an_authorization', 'finds_a_capture'],
  ],
  [
    'knows what it did by the key alone',
    right => ({
      lookup: async call =>
        call.kind === 'authorize' || call.idempotencyKey.endsWith(':1') ? right.lookup(call) : { outcome: 'not_found' },
    }),
    ['finds_a_capture_by_its_payment'],
  ],
  [
    'finds what never was',
    right => ({
      async lookup(call) {
        const found = await right.lookup(call)
        if (found.outcome !== 'not_found') return found
        return { outcome: 'succeeded', reference: 'none', amountMinor: 4_999, currency: 'EUR' }
      },
    }),
    ['finds_nothing'],
  ],
  [
    'says of a payment what was asked, whatever was given back since',
    right => ({
      async inspect(...asked) {
        const payment = (await right.inspect?.(...asked)) ?? null
        return payment === null ? null : { ...payment, refundedMinor: 0 }
      },
    }),
    ['inspects_a_payment'],
  ],
  [
    'keeps a payment open in its books that was voided',
    right => ({
      async inspect(...asked) {
        const payment = (await right.inspect?.(...asked)) ?? null
        return payment?.status === 'ended' ? { ...payment, status: 'authorized', openMinor: 4_999 } : payment
      },
    }),
    ['inspects_a_payment'],
  ],
  [
    'lists a page again: the last of one is the first of the next',
    right => {
      const pages = new Map<string, GatewayPayment>()
      return {
        async list(request) {
          const page = (await right.list?.(request)) ?? []
          const before = pages.get(request.after ?? '')
          for (const payment of page) pages.set(payment.reference, payment)
          return before === undefined || page.length === 0 ? page : [before, ...page]
        },
      }
    },
    ['lists_payments'],
  ],
  [
    'lists the oldest first',
    right => ({ list: async request => ((await right.list?.(request)) ?? []).toReversed() }),
    ['lists_payments'],
  ],
  [
    'leaves one out of each page',
    right => ({ list: async request => ((await right.list?.(request)) ?? []).slice(1) }),
    ['lists_payments'],
  ],
]

describe('the gateway contract', () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await openSandbox('postgres')
  })
  afterAll(() => sandbox?.stop())

  const brokenBy = async (mistake: Mistake) => {
    const gateway = { ...sandbox.gateway, ...mistake(sandbox.gateway) }
    const broken = await checkGateway({ gateway, tokens, books: id => books(sandbox.database, id) })
    return [...broken.keys()]
  }

  it('finds nothing wrong with a gateway that is right', async () => {
    expect(await brokenBy(() => ({}))).toEqual([])
  })

  it.each(mistakes)('finds a gateway that %s', async (_, mistake, found) => {
    expect(await brokenBy(mistake)).toEqual(expect.arrayContaining([...found]))
  })

  it('has for each of its checks a gateway that breaks it', () => {
    const found = new Set(mistakes.flatMap(([, , ids]) => ids))
    const never = gatewayChecks.map(check => check.id).filter(id => !found.has(id))
    expect(never).toEqual([])
  })
})
