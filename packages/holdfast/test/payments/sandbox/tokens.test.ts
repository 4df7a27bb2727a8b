import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { statement } from '../../../src/database/database.ts'
import { books, buyer, giveUp, openSandbox, type Sandbox, sandboxTokens } from './fixture.ts'

const approved = { outcome: 'succeeded', amountMinor: 4_999, currency: 'EUR' }
const dump = statement(
  'test_sandbox_dump',
  `select coalesce(string_agg(line, ' '), '') as text from (
    select payment::text as line from holdfast_sandbox.payments payment
    union all select request::text from holdfast_sandbox.requests request
    union all select job::text from holdfast_sandbox.jobs job) lines`,
)

describe.each(['postgres', 'embedded'] as const)('The sandbox’s tokens (%s)', kind => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await openSandbox(kind, { delays: { slowMs: 30 } })
  })
  afterAll(() => sandbox?.stop())

  const inLedger = (reference: string) => async () => (await sandbox.gateway.payment(reference)) !== null
  const booksOf = (checkoutId: string) => books(sandbox.database, checkoutId)

  it.each(['tok_approve', 'test_token'])('%s is authorized for seven days and then captured', async token => {
    const { authorize, capture } = buyer(sandbox.gateway)
    expect(await authorize(token)).toMatchObject({ ...approved, validUntil: '2026-03-08T12:00:00.000Z' })
    expect(await capture()).toMatchObject(approved)
  })

  it.each([
    ['tok_decline', 'card_declined'],
    ['tok_decline_insufficient_funds', 'insufficient_funds'],
    ['tok_decline_expired_card', 'expired_card'],
    ['tok_unknown', 'invalid_token'],
    ['__proto__', 'invalid_token'],
    [null, 'missing_token'],
    ['', 'missing_token'],
  ])('%s is declined as %s, and a repeated call is declined in the same way', async (token, code) => {
    const { authorize, capture, checkoutId, lookup } = buyer(sandbox.gateway)
    const answer = await authorize(token)
    expect(answer).toMatchObject({ outcome: 'declined', code })
    expect(await authorize(token)).toEqual(answer)
    expect(await lookup('authorize')).toEqual(answer)
    expect(await capture()).toMatchObject({ outcome: 'declined', code: 'authorization_declined' })
    expect(await booksOf(checkoutId)).toMatchObject({ authorizations: 0, capturedMinor: 0 })
  })

  it.each([
    ['tok_action_required', 'card'],
    [null, 'paypal'],
  ] as const)('%s by %s waits for the buyer and is authorized once approved', async (token, method) => {
    const { authorize, capture, lookup, reference } = buyer(sandbox.gateway)
    const answer = await authorize(token, { method })
    const url = `/sandbox/pay/${encodeURIComponent(reference)}`
    expect(answer).toEqual({ outcome: 'action_required', reference, action: { type: 'redirect', url } })
    expect(await lookup('authorize')).toEqual(answer)
    expect(await capture()).toMatchObject({ outcome: 'declined', code: 'not_authorized' })
    expect(await sandbox.gateway.approve(reference)).toMatchObject({ status: 'authorized' })
    expect(await authorize(token, { method })).toMatchObject(approved)
    expect(await lookup('authorize')).toMatchObject(approved)
    expect(await capture(2)).toMatchObject(approved)
  })

  it('tok_action_required is declined once the buyer refuses, and a later approval changes nothing', async () => {
    const { authorize, reference } = buyer(sandbox.gateway)
    await authorize('tok_action_required')
    await sandbox.gateway.refuse(reference)
    expect(await sandbox.gateway.approve(reference)).toMatchObject({ status: 'declined' })
    const answer = await authorize('tok_action_required')
    expect(answer).toMatchObject({ outcome: 'declined', code: 'authentication_failed' })
  })

  it.each([
    ['tok_pending', 'card'],
    [null, 'bank_transfer'],
  ] as const)('%s by %s is pending and is authorized five seconds later', async (token, method) => {
    const { authorize, lookup, reference } = buyer(sandbox.gateway)
    expect(await authorize(token, { method })).toEqual({ outcome: 'pending', reference, pollAfterMs: 5_000 })
    sandbox.advance(4_999)
    await sandbox.gateway.runDueJobs()
    expect(await lookup('authorize')).toMatchObject({ outcome: 'pending' })
    sandbox.advance(1)
    await sandbox.gateway.runDueJobs()
    expect(await lookup('authorize')).toMatchObject(approved)
    expect(await authorize(token, { method })).toMatchObject(approved)
  })

  it('tok_timeout_before is not answered and has no effect; the repeated key succeeds once', async () => {
    const { authorize, checkoutId, lookup, reference } = buyer(sandbox.gateway)
    await giveUp(signal => authorize('tok_timeout_before', {}, signal), inLedger(reference))
    expect(await lookup('authorize')).toEqual({ outcome: 'not_found' })
    expect(await booksOf(checkoutId)).toMatchObject({ authorizations: 0, openMinor: 0 })
    expect(await authorize('tok_timeout_before')).toMatchObject(approved)
    expect(await booksOf(checkoutId)).toMatchObject({ authorizations: 1, openMinor: 4_999 })
  })

  it('tok_timeout_after is not answered but takes effect; the repeated key returns the result', async () => {
    const { authorize, checkoutId, lookup, reference } = buyer(sandbox.gateway)
    await giveUp(signal => authorize('tok_timeout_after', {}, signal), inLedger(reference))
    expect(await lookup('authorize')).toMatchObject(approved)
    expect(await authorize('tok_timeout_after')).toMatchObject(approved)
    expect(await booksOf(checkoutId)).toMatchObject({ authorizations: 1 })
  })

  it('tok_error_before answers 500 and has no effect; the repeated key succeeds', async () => {
    const { authorize, lookup } = buyer(sandbox.gateway)
    expect(await authorize('tok_error_before')).toMatchObject({ outcome: 'unknown' })
    expect(await lookup('authorize')).toEqual({ outcome: 'not_found' })
    expect(await authorize('tok_error_before')).toMatchObject(approved)
  })

  it('tok_error_after answers 500 but takes effect; the repeated key returns the result', async () => {
    const { authorize, checkoutId, lookup } = buyer(sandbox.gateway)
    expect(await authorize('tok_error_after')).toMatchObject({ outcome: 'unknown' })
    expect(await lookup('authorize')).toMatchObject(approved)
    expect(await authorize('tok_error_after')).toMatchObject(approved)
    expect(await booksOf(checkoutId)).toMatchObject({ authorizations: 1 })
  })

  it('tok_late is never answered, even if repeated, and takes effect a minute later', async () => {
    const { authorize, lookup, reference } = buyer(sandbox.gateway)
    await giveUp(signal => authorize('tok_late', {}, signal), inLedger(reference))
    await giveUp(signal => authorize('tok_late', {}, signal), inLedger(reference))
    sandbox.advance(59_999)
    await sandbox.gateway.runDueJobs()
    expect(await lookup('authorize')).toEqual({ outcome: 'not_found' })
    sandbox.advance(1)
    expect(await sandbox.gateway.runDueJobs()).toBeGreaterThan(0)
    expect(await lookup('authorize')).toMatchObject(approved)
    expect(await authorize('tok_late')).toMatchObject(approved)
  })

  it('tok_late never takes effect after it is voided', async () => {
    const { authorize, checkoutId, lookup, reference, void: end } = buyer(sandbox.gateway)
    await giveUp(signal => authorize('tok_late', {}, signal), inLedger(reference))
    expect(await end()).toMatchObject({ outcome: 'succeeded' })
    sandbox.advance(60_000)
    await sandbox.gateway.runDueJobs()
    expect(await lookup('authorize')).toMatchObject({ outcome: 'declined', code: 'voided' })
    expect(await authorize('tok_late')).toMatchObject({ outcome: 'declined', code: 'voided' })
    expect(await booksOf(checkoutId)).toMatchObject({ authorizations: 0, openMinor: 0 })
  })

  it('tok_slow is authorized, and a lookup finds it before it is answered', async () => {
    const patient = buyer(sandbox.gateway)
    expect(await patient.authorize('tok_slow')).toMatchObject(approved)
    const impatient = buyer(sandbox.another({ delays: { slowMs: 60_000 } }))
    await giveUp(signal => impatient.authorize('tok_slow', {}, signal), inLedger(impatient.reference))
    expect(await impatient.lookup('authorize')).toMatchObject(approved)
  })

  it('tok_capture_decline is authorized; its capture is declined and its void succeeds', async () => {
    const { authorize, capture, void: end } = buyer(sandbox.gateway)
    expect(await authorize('tok_capture_decline')).toMatchObject(approved)
    const refused = await capture()
    expect(refused).toMatchObject({ outcome: 'declined', code: 'capture_refused' })
    expect(await capture()).toEqual(refused)
    expect(await end()).toMatchObject(approved)
  })

  it('tok_capture_timeout_after is captured without an answer; the repeated key returns the result', async () => {
    const { authorize, capture, checkoutId, lookup } = buyer(sandbox.gateway)
    await authorize('tok_capture_timeout_after')
    await giveUp(
      signal => capture(1, 4_999, signal),
      async () => (await booksOf(checkoutId)).capturedMinor > 0,
    )
    expect(await lookup('capture')).toMatchObject(approved)
    expect(await capture()).toMatchObject(approved)
    expect(await capture(2)).toMatchObject({ outcome: 'declined', code: 'already_captured' })
    expect(await booksOf(checkoutId)).toMatchObject({ capturedMinor: 4_999 })
  })

  it('tok_void_fails declines its capture, fails three voids, and accepts the fourth', async () => {
    const { authorize, capture, checkoutId, lookup, void: end } = buyer(sandbox.gateway)
    await authorize('tok_void_fails')
    expect(await capture()).toMatchObject({ outcome: 'declined', code: 'capture_refused' })
    expect(await end(1)).toMatchObject({ outcome: 'unknown' })
    expect(await end(1)).toMatchObject({ outcome: 'unknown' })
    expect(await end(2)).toMatchObject({ outcome: 'unknown' })
    expect(await lookup('void', 1)).toEqual({ outcome: 'not_found' })
    expect(await booksOf(checkoutId)).toMatchObject({ openMinor: 4_999 })
    expect(await end(1)).toMatchObject(approved)
    expect(await booksOf(checkoutId)).toMatchObject({ openMinor: 0 })
  })

  it('tok_wrong_amount authorizes one minor unit more than requested, and the answer says so', async () => {
    const { authorize, lookup } = buyer(sandbox.gateway)
    const wrong = { ...approved, amountMinor: 5_000 }
    expect(await authorize('tok_wrong_amount')).toMatchObject(wrong)
    expect(await authorize('tok_wrong_amount')).toMatchObject(wrong)
    expect(await lookup('authorize')).toMatchObject(wrong)
  })

  it('the ledger contains no token', async () => {
    for (const token of sandboxTokens) {
      const { authorize } = buyer(sandbox.gateway)
      const impatient = new AbortController()
      const answer = authorize(token, {}, impatient.signal).catch(() => null)
      await buyer(sandbox.gateway).authorize('tok_4242424242424242')
      impatient.abort()
      await answer
    }
    const [ledger] = await sandbox.database.query<{ text: string }>(dump)
    expect(ledger?.text).toContain('capture_decline')
    expect(ledger?.text).not.toMatch(/tok_|test_token|42424242/)
  })
})
