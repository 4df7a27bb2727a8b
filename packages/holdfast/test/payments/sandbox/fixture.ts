/** A sandbox gateway on its own database with a manual clock, and the calls of one buyer. */
import { v7 } from 'uuid'
import { expect, vi } from 'vitest'
import type { GatewayBooks } from '../../../../testing/src/gateway/gateway-buyer.ts'
import { type Database, statement } from '../../../src/database/database.ts'
import type { GatewayAnswer, LookupAnswer, OperationKind, PaymentMethod } from '../../../src/payments/gateway.ts'
import { NoAnswer } from '../../../src/payments/sandbox/faults.ts'
import { referenceOf } from '../../../src/payments/sandbox/payment.ts'
import {
  createSandboxGateway,
  type SandboxGateway,
  type SandboxOptions,
} from '../../../src/payments/sandbox/sandbox.ts'
import type { Behaviour } from '../../../src/payments/sandbox/tokens.ts'
import { type DatabaseKind, openTestDatabase } from '../../support/test-database.ts'

const booksOf = statement(
  'test_sandbox_books',
  `select count(*) filter (where valid_until is not null) as authorizations,
    coalesce(sum(amount_minor) filter (where status = 'authorized'), 0) as "openMinor",
    coalesce(sum(captured_minor), 0) as "capturedMinor", coalesce(sum(refunded_minor), 0) as "refundedMinor"
  from holdfast_sandbox.payments where checkout_id = $1`,
)

export async function books(database: Database, checkoutId: string): Promise<GatewayBooks> {
  const [row] = await database.query<GatewayBooks>(booksOf, [checkoutId])
  return row ?? { authorizations: 0, openMinor: 0, capturedMinor: 0, refundedMinor: 0 }
}

export const tokens = { approve: 'tok_approve', decline: 'tok_decline', captureDecline: 'tok_capture_decline' }

/** Every token of the sandbox, by its behaviour. The type makes a new behaviour fail here until it has a token. */
const tokenOf: Record<Exclude<Behaviour, 'invalid_token' | 'missing_token'>, string> = {
  approve: 'tok_approve',
  card_declined: 'tok_decline',
  insufficient_funds: 'tok_decline_insufficient_funds',
  expired_card: 'tok_decline_expired_card',
  action_required: 'tok_action_required',
  pending: 'tok_pending',
  timeout_before: 'tok_timeout_before',
  timeout_after: 'tok_timeout_after',
  error_before: 'tok_error_before',
  error_after: 'tok_error_after',
  late: 'tok_late',
  slow: 'tok_slow',
  capture_decline: 'tok_capture_decline',
  capture_timeout_after: 'tok_capture_timeout_after',
  void_fails: 'tok_void_fails',
  wrong_amount: 'tok_wrong_amount',
}
export const sandboxTokens: readonly string[] = [...Object.values(tokenOf), 'test_token']

export interface Sandbox {
  database: Database
  gateway: SandboxGateway
  /** A second process on the same ledger. */
  another(options?: Partial<SandboxOptions>): SandboxGateway
  advance(ms: number): void
  stop(): Promise<void>
}

export async function openSandbox(kind: DatabaseKind, options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const { database, stop } = await openTestDatabase(kind)
  let nowMs = Date.parse('2026-03-01T12:00:00.000Z')
  const opened: SandboxGateway[] = []
  const another = (more: Partial<SandboxOptions> = {}) => {
    const gateway = createSandboxGateway({ database, clock: () => nowMs, ...options, ...more })
    opened.push(gateway)
    return gateway
  }
  return {
    database,
    gateway: another(),
    another,
    advance: ms => {
      nowMs += ms
    },
    async stop() {
      await Promise.all(opened.map(gateway => gateway.close()))
      await stop()
    },
  }
}

const patience = () => AbortSignal.timeout(20_000)

export interface Order {
  method?: PaymentMethod
  token?: string | null
  amountMinor?: number
  returnUrl?: string | null
}

/** One buyer's calls to a gateway, with keys derived as the engine derives them. */
export function buyer(gateway: SandboxGateway, checkoutId: string = v7()) {
  const key = (kind: OperationKind, attempt = 1) => `${checkoutId}:${kind}:${attempt}`
  const reference = referenceOf(key('authorize'))
  const amount = { amountMinor: 4_999, currency: 'EUR' }
  return {
    checkoutId,
    reference,
    at: (other: SandboxGateway) => buyer(other, checkoutId),
    authorize: (token: string | null, order: Order = {}, signal = patience()): Promise<GatewayAnswer> =>
      gateway.authorize({
        checkoutId,
        idempotencyKey: key('authorize'),
        ...amount,
        method: 'card',
        token,
        returnUrl: null,
        reference: null,
        keep: async reference => reference,
        signal,
        ...order,
      }),
    capture: (attempt = 1, amountMinor = amount.amountMinor, signal = patience()): Promise<GatewayAnswer> =>
      gateway.capture({
        checkoutId,
        idempotencyKey: key('capture', attempt),
        orderId: checkoutId,
        reference,
        ...amount,
        amountMinor,
        signal,
      }),
    void: (attempt = 1): Promise<GatewayAnswer> =>
      gateway.void({
        checkoutId,
        idempotencyKey: key('void', attempt),
        authorizationKey: key('authorize'),
        reference: null,
        signal: patience(),
      }),
    refund: (attempt: number, amountMinor: number): Promise<GatewayAnswer> =>
      gateway.refund({
        checkoutId,
        idempotencyKey: key('refund', attempt),
        reference,
        ...amount,
        amountMinor,
        signal: patience(),
      }),
    lookup: (kind: OperationKind, attempt = 1): Promise<LookupAnswer> =>
      gateway.lookup({ checkoutId, kind, idempotencyKey: key(kind, attempt), reference: null, signal: patience() }),
  }
}

/** Makes a call, waits until the ledger has stored it, and aborts it. Fails if the call was answered. */
export async function giveUp(
  call: (signal: AbortSignal) => Promise<GatewayAnswer>,
  seen: () => Promise<unknown>,
): Promise<void> {
  const caller = new AbortController()
  const answer = call(caller.signal)
  answer.catch(() => {})
  await vi.waitFor(async () => expect(await seen()).toBeTruthy(), { timeout: 10_000, interval: 5 })
  caller.abort()
  await expect(answer).rejects.toThrow(NoAnswer)
}
