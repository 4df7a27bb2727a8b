/** Tests of the gateway checks: each finds a gateway with a deliberate mistake. */
import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GatewayAnswer, GatewayPayment, PaymentGateway } from '../../../holdfast/src/payments/gateway.ts'
import { books, openSandbox, type Sandbox, tokens } from '../../../holdfast/test/payments/sandbox/fixture.ts'
import { checkGateway, gatewayChecks } from '../../src/gateway/gateway-checks.ts'

/** A mistake as changes of a correct gateway. */
type Mistake = (correct: PaymentGateway) => Partial<PaymentGateway>

const succeeded = (answer: GatewayAnswer, change: { amountMinor: number }): GatewayAnswer =>
  answer.outcome === 'succeeded' ? { ...answer, ...change } : answer

const mistakes: readonly [name: string, mistake: Mistake, found: readonly string[]][] = [
  [
    'authorizes a repeated key again',
    correct => ({
      authorize: call => correct.authorize({ ...call, idempotencyKey: `${call.idempotencyKey}:${v7()}` }),
    }),
    ['authorizes_a_key_once', 'authorizes_a_key_once_at_once', 'refuses_a_key_with_other_parameters', 'fences_before'],
  ],
  [
    'does not fence: it forgets the void of an unknown authorization',
    correct => ({
      async void(call) {
        const known = await correct.lookup({ ...call, kind: 'authorize', idempotencyKey: call.authorizationKey })
        if (known.outcome !== 'not_found') return correct.void(call)
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
    correct => ({
      authorize: call => correct.authorize({ ...call, amountMinor: call.amountMinor + 1 }),
    }),
    ['authorizes_as_asked', 'captures_no_more_than_authorized'],
  ],
  [
    'reports a different amount from the one it authorized',
    correct => ({
      authorize: async call => succeeded(await correct.authorize(call), { amountMinor: call.amountMinor - 1 }),
    }),
    ['authorizes_as_asked'],
  ],
  [
    'answers a known key regardless of its parameters',
    correct => {
      const answers = new Map<string, Promise<GatewayAnswer>>()
      return {
        authorize(call) {
          const answer = answers.get(call.idempotencyKey) ?? correct.authorize(call)
          answers.set(call.idempotencyKey, answer)
          return answer
        },
      }
    },
    ['refuses_a_key_with_other_parameters'],
  ],
  [
    'captures one minor unit less than it reports',
    correct => ({
      async capture(call) {
        const answer = await correct.capture({ ...call, amountMinor: call.amountMinor - 1 })
        return succeeded(answer, { amountMinor: call.amountMinor })
      },
    }),
    ['captures_as_asked', 'captures_a_key_once_at_once', 'captures_once'],
  ],
  [
    'declines the void of a voided payment',
    correct => ({
      async void(call) {
        const known = await correct.lookup({ ...call, kind: 'authorize', idempotencyKey: call.authorizationKey })
        if (known.outcome !== 'declined') return correct.void(call)
        return { outcome: 'declined', code: 'already_voided', message: 'The authorization was voided.' }
      },
    }),
    ['voids_twice'],
  ],
  [
    'does not recognize a repeated capture',
    correct => ({
      capture: call => correct.capture({ ...call, idempotencyKey: `${call.idempotencyKey}:${v7()}` }),
    }),
    ['captures_a_key_once_at_once'],
  ],
  [
    'answers every capture with success',
    correct => ({
      async capture(call) {
        const { reference, amountMinor, currency } = call
        await correct.capture(call)
        return { outcome: 'succeeded', reference, amountMinor, currency }
      },
    }),
    ['captures_once', 'captures_no_more_than_authorized', 'refuses_a_capture', 'fences_after'],
  ],
  [
    'refunds again for a repeated key',
    correct => ({
      refund: call => correct.refund({ ...call, idempotencyKey: `${call.idempotencyKey}:${v7()}` }),
    }),
    ['refunds_a_key_once_at_once'],
  ],
  [
    'answers every refund with success',
    correct => ({
      async refund(call) {
        const { reference, amountMinor, currency } = call
        await correct.refund(call)
        return { outcome: 'succeeded', reference, amountMinor, currency }
      },
    }),
    ['refunds_within_bounds', 'refunds_only_captures'],
  ],
  [
    'approves what it should decline',
    correct => ({ authorize: call => correct.authorize({ ...call, token: tokens.approve }) }),
    ['declines', 'refuses_a_capture'],
  ],
  [
    'finds nothing in a lookup',
    () => ({
      async lookup() {
        return { outcome: 'not_found' }
      },
    }),
    ['refuses_a_key_with_other_parameters', 'finds_an_authorization', 'finds_a_capture'],
  ],
  [
    'finds operations only by their key',
    correct => ({
      lookup: async call =>
        call.kind === 'authorize' || call.idempotencyKey.endsWith(':1')
          ? correct.lookup(call)
          : { outcome: 'not_found' },
    }),
    ['finds_a_capture_by_its_payment'],
  ],
  [
    'finds operations that never happened',
    correct => ({
      async lookup(call) {
        const found = await correct.lookup(call)
        if (found.outcome !== 'not_found') return found
        return { outcome: 'succeeded', reference: 'none', amountMinor: 4_999, currency: 'EUR' }
      },
    }),
    ['finds_nothing'],
  ],
  [
    'inspects a payment without its refunds',
    correct => ({
      async inspect(...asked) {
        const payment = (await correct.inspect?.(...asked)) ?? null
        return payment === null ? null : { ...payment, refundedMinor: 0 }
      },
    }),
    ['inspects_a_payment'],
  ],
  [
    'inspects a voided payment as still authorized',
    correct => ({
      async inspect(...asked) {
        const payment = (await correct.inspect?.(...asked)) ?? null
        return payment?.status === 'ended' ? { ...payment, status: 'authorized', openMinor: 4_999 } : payment
      },
    }),
    ['inspects_a_payment'],
  ],
  [
    'repeats the last payment of a page on the next page',
    correct => {
      const pages = new Map<string, GatewayPayment>()
      return {
        async list(request) {
          const page = (await correct.list?.(request)) ?? []
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
    correct => ({ list: async request => ((await correct.list?.(request)) ?? []).toReversed() }),
    ['lists_payments'],
  ],
  [
    'leaves one payment out of each page',
    correct => ({ list: async request => ((await correct.list?.(request)) ?? []).slice(1) }),
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

  it('the checks find nothing wrong with a correct gateway', async () => {
    expect(await brokenBy(() => ({}))).toEqual([])
  })

  it.each(mistakes)('the checks find a gateway that %s', async (_, mistake, found) => {
    expect(await brokenBy(mistake)).toEqual(expect.arrayContaining([...found]))
  })

  it('each check is broken by at least one of the mistakes', () => {
    const found = new Set(mistakes.flatMap(([, , ids]) => ids))
    const never = gatewayChecks.map(check => check.id).filter(id => !found.has(id))
    expect(never).toEqual([])
  })
})
