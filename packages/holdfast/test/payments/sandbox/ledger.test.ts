import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectPostgres } from '../../../src/database/postgres/postgres.ts'
import { createSandboxGateway } from '../../../src/payments/sandbox/sandbox.ts'
import { openTestDatabase } from '../../support/test-database.ts'
import { books, buyer, giveUp, openSandbox, type Sandbox } from './fixture.ts'

const rounds = 20
const times = <T>(count: number, call: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => call(index)))

describe.each(['postgres', 'embedded'] as const)('The sandbox’s ledger (%s)', kind => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await openSandbox(kind)
  })
  afterAll(() => sandbox?.stop())

  const booksOf = (checkoutId: string) => books(sandbox.database, checkoutId)

  it('a repeated call gets the same answer in another process, for every kind of call', async () => {
    const here = buyer(sandbox.gateway)
    const there = here.at(sandbox.another())
    const before = [await here.authorize('tok_approve'), await here.capture(), await here.refund(1, 500)]
    expect([await there.authorize('tok_approve'), await there.capture(), await there.refund(1, 500)]).toEqual(before)
    const refused = [await here.void(), await here.refund(2, 9_000), await here.capture(2)]
    expect([await there.void(), await there.refund(2, 9_000), await there.capture(2)]).toEqual(refused)
    expect(await booksOf(here.checkoutId)).toEqual({
      authorizations: 1,
      openMinor: 0,
      capturedMinor: 4_999,
      refundedMinor: 500,
    })
  })

  it('a key that two processes use at once has one effect', async () => {
    const other = sandbox.another()
    await times(rounds, async () => {
      const here = buyer(sandbox.gateway)
      const there = here.at(other)
      const authorized = await Promise.all([here.authorize('tok_approve'), there.authorize('tok_approve')])
      expect(authorized[0]).toMatchObject({ outcome: 'succeeded' })
      expect(authorized[1]).toEqual(authorized[0])
      const captured = await Promise.all([here.capture(), there.capture()])
      expect(captured[0]).toMatchObject({ outcome: 'succeeded' })
      expect(captured[1]).toEqual(captured[0])
      expect(await booksOf(here.checkoutId)).toMatchObject({ authorizations: 1, capturedMinor: 4_999 })
    })
  })

  it('exactly one of a capture and a void that race succeeds', async () => {
    const other = sandbox.another()
    await times(rounds, async () => {
      const here = buyer(sandbox.gateway)
      await here.authorize('tok_approve')
      const [captured, voided] = await Promise.all([here.capture(), here.at(other).void()])
      const won = [captured.outcome, voided.outcome]
      expect([
        ['succeeded', 'declined'],
        ['declined', 'succeeded'],
      ]).toContainEqual(won)
      const { capturedMinor, openMinor } = await booksOf(here.checkoutId)
      expect([capturedMinor, openMinor]).toEqual([captured.outcome === 'succeeded' ? 4_999 : 0, 0])
    })
  })

  it('a void that races its authorization leaves nothing to capture', async () => {
    const other = sandbox.another()
    await times(rounds, async () => {
      const here = buyer(sandbox.gateway)
      const [, voided] = await Promise.all([here.authorize('tok_approve'), here.at(other).void()])
      expect(voided).toMatchObject({ outcome: 'succeeded' })
      expect(await here.capture()).toMatchObject({ outcome: 'declined', code: 'already_voided' })
      expect(await booksOf(here.checkoutId)).toMatchObject({ openMinor: 0 })
    })
  })

  it('a void that races a late effect leaves no authorization open', async () => {
    const other = sandbox.another()
    const buyers = Array.from({ length: rounds }, () => buyer(sandbox.gateway))
    for (const { authorize, reference } of buyers) {
      await giveUp(
        signal => authorize('tok_late', {}, signal),
        () => sandbox.gateway.payment(reference),
      )
    }
    sandbox.advance(60_000)
    const voids = Promise.all(buyers.map(late => late.void()))
    await Promise.all([other.runDueJobs(), voids, sandbox.gateway.runDueJobs()])
    for (const answer of await voids) expect(answer).toMatchObject({ outcome: 'succeeded' })
    for (const { checkoutId } of buyers) expect(await booksOf(checkoutId)).toMatchObject({ openMinor: 0 })
  })

  it('a void that races the buyer’s approval leaves no authorization open', async () => {
    const other = sandbox.another()
    await times(rounds, async () => {
      const { authorize, checkoutId, reference, void: end } = buyer(sandbox.gateway)
      await authorize('tok_action_required')
      const [voided] = await Promise.all([end(), other.approve(reference)])
      expect(voided).toMatchObject({ outcome: 'succeeded' })
      expect(await booksOf(checkoutId)).toMatchObject({ openMinor: 0 })
    })
  })

  it('a part is captured once, and no more than that part is refunded', async () => {
    const { authorize, capture, checkoutId, refund } = buyer(sandbox.gateway)
    await authorize('tok_approve')
    expect(await capture(1, 3_000)).toMatchObject({ outcome: 'succeeded', amountMinor: 3_000 })
    expect(await capture(2, 1_999)).toMatchObject({ outcome: 'declined', code: 'already_captured' })
    expect(await refund(1, 3_001)).toMatchObject({ outcome: 'declined', code: 'refund_exceeds_capture' })
    expect(await refund(2, 3_000)).toMatchObject({ outcome: 'succeeded' })
    expect(await booksOf(checkoutId)).toMatchObject({ capturedMinor: 3_000, refundedMinor: 3_000 })
  })

  it('an expired authorization cannot be captured but can be voided', async () => {
    const { authorize, capture, void: end } = buyer(sandbox.another({ delays: { validForMs: 1_000 } }))
    await authorize('tok_approve')
    sandbox.advance(1_000)
    expect(await capture()).toMatchObject({ outcome: 'declined', code: 'authorization_ended' })
    expect(await end()).toMatchObject({ outcome: 'succeeded' })
  })

  it('a mismatch of parameters is declined and leaves the key unchanged', async () => {
    const { authorize, capture } = buyer(sandbox.gateway)
    const mismatch = { outcome: 'declined', code: 'idempotency_mismatch' }
    const first = await authorize('tok_approve')
    expect(await authorize('tok_decline')).toMatchObject(mismatch)
    expect(await authorize(null, { method: 'paypal' })).toMatchObject(mismatch)
    expect(await authorize('tok_approve', { returnUrl: 'https://shop.example/other' })).toEqual(first)
    expect(await capture(1, 4_000)).toMatchObject({ outcome: 'succeeded' })
    expect(await capture(1, 4_999)).toMatchObject(mismatch)
    expect(await capture(1, 4_000)).toMatchObject({ outcome: 'succeeded', amountMinor: 4_000 })
  })

  it('a checkout cannot capture or look up the payment of another checkout', async () => {
    const owner = buyer(sandbox.gateway)
    await owner.authorize('tok_approve')
    const thief = buyer(sandbox.gateway)
    const call = { reference: owner.reference, amountMinor: 4_999, currency: 'EUR', signal: AbortSignal.timeout(5_000) }
    const mine = { checkoutId: thief.checkoutId, orderId: thief.checkoutId }
    const captured = await sandbox.gateway.capture({
      ...call,
      ...mine,
      idempotencyKey: `${thief.checkoutId}:capture:1`,
    })
    expect(captured).toMatchObject({ outcome: 'declined', code: 'payment_not_found' })
    const found = await sandbox.gateway.lookup({ ...call, ...mine, kind: 'authorize', idempotencyKey: 'none' })
    expect(found).toEqual({ outcome: 'not_found' })
  })

  it('a malformed call is declined, and calls of the same batch succeed', async () => {
    const good = buyer(sandbox.gateway)
    const { authorize } = buyer(sandbox.gateway)
    const malformed = [
      authorize('tok_approve', { amountMinor: -1 }),
      authorize('tok_approve', { amountMinor: 1.5 }),
      authorize('tok_approve', { amountMinor: Number.MAX_SAFE_INTEGER }),
      buyer(sandbox.gateway, 'no-uuid').authorize('tok_approve'),
      buyer(sandbox.gateway).refund(1, 0),
    ]
    expect(await good.authorize('tok_approve')).toMatchObject({ outcome: 'succeeded' })
    for (const answer of await Promise.all(malformed)) {
      expect(answer).toMatchObject({ outcome: 'declined', code: 'invalid_request' })
    }
    expect(await sandbox.gateway.payment('sbx_\0')).toBeNull()
  })

  it('a configured fault gives its answer and its effect', async () => {
    const faults = { next: null as 'unreachable' | 'error_before' | 'error_after' | 'timeout_before' | null }
    const { authorize, lookup, checkoutId } = buyer(sandbox.another({ faults: () => faults.next }))
    faults.next = 'unreachable'
    expect(await authorize('tok_approve')).toMatchObject({ outcome: 'not_executed' })
    faults.next = 'error_before'
    expect(await authorize('tok_approve')).toMatchObject({ outcome: 'unknown' })
    faults.next = 'timeout_before'
    await giveUp(
      signal => authorize('tok_approve', {}, signal),
      async () => true,
    )
    expect(await lookup('authorize')).toEqual({ outcome: 'not_found' })
    faults.next = 'error_after'
    expect(await authorize('tok_approve')).toMatchObject({ outcome: 'unknown' })
    expect(await lookup('authorize')).toMatchObject({ outcome: 'succeeded' })
    expect(await booksOf(checkoutId)).toMatchObject({ authorizations: 1 })
  })

  it('closing the sandbox ends calls that would never be answered', async () => {
    const gateway = sandbox.another()
    const { authorize, reference } = buyer(gateway)
    const answer = authorize('tok_late').catch((error: Error) => error.name)
    await expect.poll(() => gateway.payment(reference)).not.toBeNull()
    await gateway.close()
    expect(await answer).toBe('NoAnswer')
  })
})

describe('The sandbox’s ledger on connections of its own', () => {
  it('repeated calls get the same answers after a process died without closing', async () => {
    const { url, database, stop } = await openTestDatabase('postgres')
    const first = await connectPostgres({ url: url ?? '', poolMax: 2 })
    const here = buyer(createSandboxGateway({ database: first }))
    const answers = [await here.authorize('tok_approve'), await here.capture()]
    await database.query({
      name: 'test_kill_connections',
      text: `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
    })
    const second = await connectPostgres({ url: url ?? '', poolMax: 2 })
    const there = here.at(createSandboxGateway({ database: second }))
    expect([await there.authorize('tok_approve'), await there.capture()]).toEqual(answers)
    await Promise.all([first.close(), second.close()])
    await stop()
  })
})
