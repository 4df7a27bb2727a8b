/**
 * Checks of the payment gateway port: each is one promise, and throws if the gateway breaks it. The checks need no test
 * runner, so they can be tested themselves, against gateways with deliberate mistakes.
 */
import assert from 'node:assert/strict'
import type { GatewayAnswer, OperationKind } from 'holdfast'
import { bookChecks } from './gateway-book-checks.ts'
import {
  amountMinor,
  buyer,
  currency,
  expectDeclined,
  expectSucceeded,
  type GatewayUnderTest,
} from './gateway-buyer.ts'
import type { GatewayCheck } from './gateway-check.ts'

const crowd = 20

const times = <T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => call(index)))

/** Expects one successful answer for all calls. A gateway may defer a call whose key is in use at that moment. */
function expectOneAnswer(answers: readonly GatewayAnswer[], what: string): void {
  const given = answers.filter(answer => answer.outcome !== 'not_executed')
  const [first] = given
  assert.ok(first, `${what}: at least one call is answered`)
  expectSucceeded(first, what)
  for (const answer of given) assert.deepEqual(answer, first, `${what}: the same key gets the same answer`)
}

const authorizations: readonly GatewayCheck[] = [
  {
    id: 'authorizes_as_asked',
    title: 'authorizes exactly the requested amount and currency, or declines the amount as too small',
    async run(under) {
      for (const asked of [
        { amountMinor: 1, currency: 'USD' },
        { amountMinor: 4_999, currency: 'EUR' },
        { amountMinor: 1_000, currency: 'JPY' },
        { amountMinor: 99_999_999, currency: 'USD' },
      ]) {
        const { authorize, checkoutId } = buyer(under)
        const said = await authorize(asked)
        if (asked.amountMinor === 1 && said.outcome === 'declined') {
          assert.equal(said.code, 'amount_too_small')
          assert.equal((await under.books(checkoutId)).openMinor, 0)
          continue
        }
        const answer = expectSucceeded(said, 'authorize')
        assert.deepEqual({ amountMinor: answer.amountMinor, currency: answer.currency }, asked)
        assert.notEqual(answer.reference, '')
        assert.equal((await under.books(checkoutId)).openMinor, asked.amountMinor)
      }
    },
  },
  {
    id: 'declines',
    title: 'declines with a reason and charges nothing',
    needs: 'decline',
    async run(under) {
      const { authorize, checkoutId } = buyer(under)
      const declined = expectDeclined(await authorize({ token: under.tokens.decline ?? null }), 'authorize')
      assert.notEqual(declined.message, '')
      assert.equal((await under.books(checkoutId)).authorizations, 0)
    },
  },
  {
    id: 'authorizes_a_key_once',
    title: 'makes one authorization and gives one answer for a repeated key',
    async run(under) {
      const { authorize, checkoutId } = buyer(under)
      expectOneAnswer([await authorize(), await authorize(), await authorize()], 'authorize')
      assert.equal((await under.books(checkoutId)).authorizations, 1)
    },
  },
  {
    id: 'authorizes_a_key_once_at_once',
    title: 'makes one authorization and gives one answer for twenty concurrent calls with the same key',
    async run(under) {
      const { authorize, checkoutId } = buyer(under)
      expectOneAnswer(await times(crowd, () => authorize()), 'authorize')
      const books = await under.books(checkoutId)
      assert.deepEqual([books.authorizations, books.openMinor], [1, amountMinor])
    },
  },
  {
    id: 'refuses_a_key_with_other_parameters',
    title: 'declines a repeated key with a different amount or currency, and keeps the first authorization',
    async run(under) {
      const { authorize, checkoutId, lookup } = buyer(under)
      const first = expectSucceeded(await authorize(), 'authorize')
      expectDeclined(await authorize({ amountMinor: amountMinor + 1 }), 'the same key with a different amount')
      expectDeclined(await authorize({ currency: 'USD' }), 'the same key with a different currency')
      const books = await under.books(checkoutId)
      assert.deepEqual([books.authorizations, books.openMinor], [1, amountMinor])
      assert.deepEqual(await authorize(), first)
      expectSucceeded((await lookup('authorize')) as GatewayAnswer, 'lookup')
    },
  },
]

const captures: readonly GatewayCheck[] = [
  {
    id: 'captures_as_asked',
    title: 'captures exactly the authorized amount',
    async run(under) {
      const { authorized, capture, checkoutId } = buyer(under)
      const captured = expectSucceeded(await capture(await authorized()), 'capture')
      assert.deepEqual([captured.amountMinor, captured.currency], [amountMinor, currency])
      const books = await under.books(checkoutId)
      assert.deepEqual([books.capturedMinor, books.openMinor], [amountMinor, 0])
    },
  },
  {
    id: 'captures_a_key_once_at_once',
    title: 'captures once for twenty concurrent captures with the same key, and gives each the same answer',
    async run(under) {
      const { authorized, capture, checkoutId } = buyer(under)
      const reference = await authorized()
      expectOneAnswer(await times(crowd, () => capture(reference)), 'capture')
      expectOneAnswer([await capture(reference)], 'capture, repeated')
      assert.equal((await under.books(checkoutId)).capturedMinor, amountMinor)
    },
  },
  {
    id: 'captures_once',
    title: 'captures once for twenty concurrent captures with different keys, and declines the others',
    async run(under) {
      const { authorized, capture, checkoutId, key } = buyer(under)
      const reference = await authorized()
      const answers = await times(crowd, index => capture(reference, { idempotencyKey: key('capture', index + 1) }))
      assert.equal(answers.filter(answer => answer.outcome === 'succeeded').length, 1)
      assert.equal(answers.filter(answer => answer.outcome === 'unknown').length, 0)
      assert.equal((await under.books(checkoutId)).capturedMinor, amountMinor)
    },
  },
  {
    id: 'captures_no_more_than_authorized',
    title: 'declines a capture of more than was authorized',
    async run(under) {
      const { authorized, capture, checkoutId } = buyer(under)
      expectDeclined(await capture(await authorized(), { amountMinor: amountMinor + 1 }), 'capture of too much')
      assert.equal((await under.books(checkoutId)).capturedMinor, 0)
    },
  },
  {
    id: 'refuses_a_capture',
    title: 'captures nothing if the capture is declined, and lets the authorization be voided',
    needs: 'captureDecline',
    async run(under) {
      const { authorized, capture, checkoutId, void: end } = buyer(under)
      const reference = await authorized({ token: under.tokens.captureDecline ?? null })
      expectDeclined(await capture(reference), 'capture')
      expectSucceeded(await end(reference), 'void')
      const books = await under.books(checkoutId)
      assert.deepEqual([books.capturedMinor, books.openMinor], [0, 0])
    },
  },
]

const voids: readonly GatewayCheck[] = [
  {
    id: 'fences_before',
    title: 'declines an authorization whose void came first',
    async run(under) {
      const { authorize, checkoutId, void: end } = buyer(under)
      expectSucceeded(await end(null), 'void of an unknown authorization')
      const late = await authorize()
      assert.notEqual(late.outcome, 'succeeded', 'a fenced authorization must not succeed')
      expectDeclined(late, 'authorize after void')
      const books = await under.books(checkoutId)
      assert.deepEqual([books.authorizations, books.openMinor], [0, 0])
    },
  },
  {
    id: 'fences_after',
    title: 'voids an authorization for good: repeating its key authorizes nothing, and it cannot be captured',
    async run(under) {
      const { authorize, authorized, capture, checkoutId, void: end } = buyer(under)
      const reference = await authorized()
      expectSucceeded(await end(reference), 'void')
      await authorize()
      expectDeclined(await capture(reference), 'capture after void')
      const books = await under.books(checkoutId)
      assert.deepEqual([books.openMinor, books.capturedMinor], [0, 0])
    },
  },
  {
    id: 'fences_a_race',
    title: 'leaves no open authorization if an authorization and its void race',
    async run(under) {
      await times(crowd, async index => {
        const { authorize, checkoutId, void: end } = buyer(under)
        const calls = [() => authorize(), () => end(null)]
        const [first, second] = await Promise.all((index % 2 === 0 ? calls : calls.toReversed()).map(call => call()))
        const voided = index % 2 === 0 ? second : first
        if (voided?.outcome === 'not_executed') expectSucceeded(await end(null), 'void, repeated')
        else if (voided) expectSucceeded(voided, 'void')
        assert.equal((await under.books(checkoutId)).openMinor, 0)
      })
    },
  },
  {
    id: 'voids_twice',
    title: 'answers a second void with success, with the same key and with a different key',
    async run(under) {
      const { authorized, key, void: end } = buyer(under)
      const reference = await authorized()
      expectOneAnswer([await end(reference), await end(reference)], 'void')
      expectSucceeded(await end(reference, { idempotencyKey: key('void', 2) }), 'void with a different key')
    },
  },
  {
    id: 'refuses_to_void_a_capture',
    title: 'declines to void a captured payment with already_captured, and keeps the money captured',
    async run(under) {
      const { authorized, capture, checkoutId, void: end } = buyer(under)
      const reference = await authorized()
      expectSucceeded(await capture(reference), 'capture')
      assert.equal(expectDeclined(await end(reference), 'void of a capture').code, 'already_captured')
      assert.equal((await under.books(checkoutId)).capturedMinor, amountMinor)
    },
  },
]

const refunds: readonly GatewayCheck[] = [
  {
    id: 'refunds_within_bounds',
    title: 'refunds in parts up to the captured amount, and never more',
    async run(under) {
      const { authorized, capture, checkoutId, key, refund } = buyer(under)
      const reference = await authorized()
      await capture(reference)
      const part = (attempt: number, minor: number) =>
        refund(reference, { idempotencyKey: key('refund', attempt), amountMinor: minor })
      const first = expectSucceeded(await part(1, 2_000), 'refund')
      assert.deepEqual([first.amountMinor, first.currency], [2_000, currency])
      expectDeclined(await part(2, 3_000), 'refund of more than the rest')
      expectSucceeded(await part(3, 2_999), 'refund of the rest')
      expectDeclined(await part(4, 1), 'refund of one minor unit more')
      assert.equal((await under.books(checkoutId)).refundedMinor, amountMinor)
    },
  },
  {
    id: 'refunds_a_key_once_at_once',
    title: 'refunds once for twenty concurrent refunds with the same key',
    async run(under) {
      const { authorized, capture, checkoutId, refund } = buyer(under)
      const reference = await authorized()
      await capture(reference)
      expectOneAnswer(await times(crowd, () => refund(reference, { amountMinor: 100 })), 'refund')
      assert.equal((await under.books(checkoutId)).refundedMinor, 100)
    },
  },
  {
    id: 'refunds_only_captures',
    title: 'declines a refund of a payment that was not captured',
    async run(under) {
      const { authorized, checkoutId, refund } = buyer(under)
      expectDeclined(await refund(await authorized()), 'refund of an authorization')
      assert.equal((await under.books(checkoutId)).refundedMinor, 0)
    },
  },
]

const lookups: readonly GatewayCheck[] = [
  {
    id: 'finds_an_authorization',
    title: 'finds an authorization by its key and by its reference, with the first answer',
    async run(under) {
      const { authorized, lookup } = buyer(under)
      const reference = await authorized()
      for (const by of [null, reference]) {
        const found = await lookup('authorize', { reference: by })
        assert.notEqual(found.outcome, 'not_found', `lookup by ${by === null ? 'key' : 'reference'}`)
        const answer = expectSucceeded(found as GatewayAnswer, 'lookup')
        assert.deepEqual(
          [answer.reference, answer.amountMinor, answer.currency],
          [reference, amountMinor, currency],
          'a lookup repeats the answer of the authorization',
        )
      }
    },
  },
  {
    id: 'finds_a_capture',
    title: 'finds a capture and a refund, with their first answers',
    async run(under) {
      const { authorized, capture, lookup, refund } = buyer(under)
      const reference = await authorized()
      await capture(reference)
      await refund(reference, { amountMinor: 700 })
      const captured = expectSucceeded((await lookup('capture', { reference })) as GatewayAnswer, 'lookup of a capture')
      assert.equal(captured.amountMinor, amountMinor)
      const refunded = expectSucceeded((await lookup('refund', { reference })) as GatewayAnswer, 'lookup of a refund')
      assert.equal(refunded.amountMinor, 700)
    },
  },
  {
    id: 'finds_a_capture_by_its_payment',
    title: 'finds a capture and a full refund by the payment alone, for providers forget idempotency keys',
    async run(under) {
      const { authorized, capture, key, lookup, refund } = buyer(under)
      const reference = await authorized()
      await capture(reference)
      const by = (kind: OperationKind) => lookup(kind, { reference, idempotencyKey: key(kind, 7) })
      const captured = expectSucceeded((await by('capture')) as GatewayAnswer, 'lookup of a capture')
      assert.deepEqual([captured.amountMinor, captured.currency], [amountMinor, currency])
      assert.deepEqual(await by('refund'), { outcome: 'not_found' })
      await refund(reference)
      const refunded = expectSucceeded((await by('refund')) as GatewayAnswer, 'lookup of a full refund')
      assert.equal(refunded.amountMinor, amountMinor)
    },
  },
  {
    id: 'finds_nothing',
    title: 'answers not_found for operations that never happened',
    async run(under) {
      const { authorized, lookup } = buyer(under)
      assert.deepEqual(await lookup('authorize'), { outcome: 'not_found' })
      const reference = await authorized()
      for (const kind of ['capture', 'void', 'refund'] as const) {
        assert.deepEqual(await lookup(kind, { reference }), { outcome: 'not_found' })
      }
    },
  },
]

/** Every promise of the gateway port, in the order of a payment's life. */
export const gatewayChecks: readonly GatewayCheck[] = [
  ...authorizations,
  ...captures,
  ...voids,
  ...refunds,
  ...lookups,
  ...bookChecks,
]

/** The token or call that a check needs and the gateway does not have; null if the check can run. */
export function missingRequirement(
  { gateway, tokens }: GatewayUnderTest,
  { needs, calls }: GatewayCheck,
): string | null {
  if (needs !== undefined && tokens[needs] === undefined) return `no ${needs} token`
  return calls !== undefined && gateway[calls] === undefined ? `no ${calls}` : null
}

/** Runs every check that the gateway can run. Returns the error of each broken promise by the ID of its check. */
export async function checkGateway(under: GatewayUnderTest): Promise<ReadonlyMap<string, unknown>> {
  const broken = new Map<string, unknown>()
  for (const check of gatewayChecks) {
    if (missingRequirement(under, check) !== null) continue
    await check.run(under).catch((error: unknown) => broken.set(check.id, error))
  }
  return broken
}
