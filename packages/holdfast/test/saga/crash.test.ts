/**
 * Recovery after a crash at each point that an undisturbed checkout passes. The checkout ends as without the crash, and a
 * client that repeats its request gets the same result.
 */
import { expect, test } from 'vitest'
import { type CrashPoint, type KillableProcess, killableProcess } from '../../../testing/src/crash-points.ts'
import type { PaymentInput } from '../../src/engine/checkout-engine.ts'
import { type CheckoutFacts, paid, undone } from '../support/store-facts.ts'
import { describeStore, secret, type TestStore } from '../support/test-store.ts'

interface Scenario {
  title: string
  payment: PaymentInput
  /** The next request of the buyer or the shop, to the process that may die. */
  next?: 'cancel' | 'capture'
  end: CheckoutFacts
  /** The points at which it can die, in order. */
  points: CrashPoint[]
}

const prepared: CrashPoint[] = [
  'before_commit:pending',
  'after_commit:pending',
  'before_commit:authorizing',
  'after_commit:authorizing',
]
const authorized: CrashPoint[] = ['before_call:authorize', 'after_call:authorize']
const placed: CrashPoint[] = [
  'before_commit:capturing',
  'after_commit:capturing',
  'before_call:capture',
  'after_call:capture',
]
const settled: CrashPoint[] = ['before_commit:completed', 'after_commit:completed']
const voided: CrashPoint[] = [
  'before_commit:rolling_back',
  'after_commit:rolling_back',
  'before_call:void',
  'after_call:void',
]
const failed: CrashPoint[] = ['before_commit:failed', 'after_commit:failed']

const scenarios: Scenario[] = [
  {
    title: 'that completes',
    payment: { token: 'tok_approve' },
    end: paid(2_300, { claim: 'redeemed' }),
    points: [...prepared, ...authorized, ...placed, ...settled],
  },
  {
    title: 'that is declined',
    payment: { token: 'tok_decline' },
    end: undone('payment_declined', 'payment_authorization', { payment: 'declined', claim: 'released' }),
    points: [...prepared, ...authorized, ...failed],
  },
  {
    title: 'whose capture is refused',
    payment: { token: 'tok_capture_decline' },
    end: undone('capture_refused', 'payment_capture', { order: 'cancelled', claim: 'released' }),
    points: [...prepared, ...authorized, ...placed, ...voided, ...failed],
  },
  {
    title: 'that is captured later',
    payment: { token: 'tok_approve', captureLater: true },
    next: 'capture',
    end: paid(2_300, {
      claim: 'redeemed',
      events: ['CheckoutStarted', 'OrderAwaitingCapture', 'CheckoutCompleted'],
    }),
    points: [
      ...prepared,
      ...authorized,
      'before_commit:awaiting_capture',
      'after_commit:awaiting_capture',
      ...placed,
      ...settled,
    ],
  },
  {
    title: 'that is cancelled at the bank',
    payment: { token: 'tok_action_required' },
    next: 'cancel',
    end: undone('checkout_cancelled', 'payment_authorization', {
      claim: 'released',
      events: ['CheckoutStarted', 'PaymentActionRequired', 'CheckoutFailed', 'CheckoutCancelled'],
    }),
    points: [
      ...prepared,
      ...authorized,
      'before_commit:awaiting_action',
      'after_commit:awaiting_action',
      ...voided,
      ...failed,
    ],
  },
]

/** Runs one checkout in a process that dies at `diesAt`. Returns what survivors and the client need afterwards. */
async function run(store: TestStore, scenario: Scenario, diesAt: CrashPoint | null) {
  const sku = await store.article({ stock: [6, 4] })
  const { cartId, sessionId } = await store.cart({ [sku]: 2 }, { couponCode: 'TEN' })
  const life = killableProcess(store.database, store.gateway, diesAt)
  const doomed = await openDoomed(store, life)
  const work = (async () => {
    const lock = await doomed.startCheckout(cartId, { sessionId })
    const outcome = await doomed.processCheckout(lock.id, scenario.payment)
    if (scenario.next === 'capture') return doomed.captureCheckout(lock.id)
    return scenario.next === 'cancel' ? doomed.cancelCheckout(lock.id) : outcome
  })()
  await Promise.race([work, life.died])
  return { sku, cartId, sessionId, life }
}

function openDoomed(store: TestStore, { database, gateway, clock }: KillableProcess) {
  return store.open({ database, gateway, clock })
}

/** The survivors recover, then the client repeats its requests. */
async function repeatRequests(store: TestStore, scenario: Scenario, ready: { cartId: string; sessionId: string }) {
  await store.drain()
  const { engine } = store
  const last = await store.sql<{ id: string }>('select id from holdfast.checkouts where cart_id = $1', [ready.cartId])
  const id = last[0]?.id ?? (await engine.startCheckout(ready.cartId, { sessionId: ready.sessionId })).id
  let outcome = await engine.processCheckout(id, scenario.payment)
  if (outcome.status === 'awaiting_capture') outcome = await engine.captureCheckout(id)
  if (outcome.status === 'action_required') outcome = await engine.cancelCheckout(id)
  await store.drain()
  return { id, outcome }
}

function resumes(store: TestStore, tried: readonly Scenario[]): void {
  for (const scenario of tried) {
    const { title, end, points } = scenario
    const sold = end.state === 'completed'

    test(`a checkout ${title} passes exactly the expected crash points`, async () => {
      const { life } = await run(store, scenario, null)
      expect(life.reached).toEqual(points)
    })

    test.each(points)(`a checkout ${title} ends as without a crash %s`, async point => {
      const ready = await run(store, scenario, point)
      expect(ready.life.reached.at(-1)).toBe(point)
      expect(await store.violations()).toEqual([])
      const { id, outcome } = await repeatRequests(store, scenario, ready)
      expect(outcome.status).toBe(sold ? 'completed' : 'failed')
      expect(await store.facts(id)).toEqual(end)
      expect(await store.stock(ready.sku)).toEqual({ onHand: sold ? 8 : 10, reserved: 0 })
      const asked = await store.sql<{ keys: number }>(
        'select count(*) as keys from holdfast_sandbox.requests where checkout_id = $1 and decline_code is null',
        [id],
      )
      expect(asked).toEqual([{ keys: sold ? 2 : end.payment === 'declined' ? 0 : 2 }])
    })
  }
}

describeStore('Recovery', store => resumes(store, scenarios), ['postgres'])
describeStore('Recovery', store => resumes(store, scenarios.slice(0, 1)), ['embedded'])

const [completes, , refused] = scenarios
const twice = [completes, refused].filter(scenario => scenario !== undefined)

describeStore(
  'Recovery that crashes itself',
  store => {
    // `npm run prove:crash` covers every pair of points; this test covers every third.
    test.each(twice)('a checkout $title ends as without a crash after two crashes', async scenario => {
      for (const [index, first] of scenario.points.entries()) {
        const probe = await run(store, scenario, first)
        const watching = killableProcess(store.database, store.gateway, null)
        await recoverOnce(await openDoomed(store, watching))
        for (const [after, second] of [...new Set(watching.reached)].entries()) {
          if ((index + after) % 3 !== 0) continue
          const ready = await run(store, scenario, first)
          const life = killableProcess(store.database, store.gateway, second)
          const doomed = await openDoomed(store, life)
          await Promise.race([recoverOnce(doomed), life.died])
          const { id } = await repeatRequests(store, scenario, ready)
          expect(await store.facts(id), `${first}, then ${second}`).toEqual(scenario.end)
        }
        const { id } = await repeatRequests(store, scenario, probe)
        expect(await store.facts(id), first).toEqual(scenario.end)
      }

      async function recoverOnce(engine: { recover(): Promise<number> }): Promise<void> {
        await store.sql(
          `update holdfast.checkouts set wake_at = now() - interval '1 second' where lease_owner is not null`,
        )
        await engine.recover()
      }
    })
  },
  ['postgres'],
)

describeStore('The payment token of a checkout that is taken over', store => {
  const canary = 'tok_approve'

  test('the payment token is readable in no table after any crash', async () => {
    for (const point of completes?.points ?? []) {
      if (completes === undefined) return
      await run(store, completes, point)
      expect(await tablesWith(canary), point).toEqual([])
      await store.drain()
    }
    expect(await tablesWith(canary)).toEqual([])
    expect(await tablesWith('@example.com'), 'the search finds what is there').toContain('holdfast.orders')
  })

  test('a process with the same secret decrypts the payment token and repeats the authorization', async () => {
    if (completes === undefined) return
    const { cartId } = await run(store, completes, 'before_call:authorize')
    const survivor = await store.open({ config: { secret } })
    await store.drain(survivor)
    const [row] = await store.sql<{ id: string }>('select id from holdfast.checkouts where cart_id = $1', [cartId])
    expect(await store.facts(row?.id ?? '')).toEqual(completes.end)
  })

  test('a process with a different secret cannot decrypt the payment token and abandons the payment behind a fencing void', async () => {
    if (completes === undefined) return
    const { cartId, sku } = await run(store, completes, 'before_call:authorize')
    const stranger = await store.open({ config: { secret: 'a different secret, in a misconfigured process' } })
    await store.drain(stranger)
    const [row] = await store.sql<{ id: string }>('select id from holdfast.checkouts where cart_id = $1', [cartId])
    const end = undone('payment_unsettled', 'payment_authorization', { claim: 'released' })
    expect(await store.facts(row?.id ?? '')).toEqual(end)
    expect(await store.stock(sku)).toEqual({ onHand: 10, reserved: 0 })
  })

  test('a process without the payment token completes an authorization that the gateway already has', async () => {
    if (completes === undefined) return
    const { cartId } = await run(store, completes, 'after_call:authorize')
    const stranger = await store.open({ config: { secret: 'a different secret, in a misconfigured process' } })
    await store.drain(stranger)
    const [row] = await store.sql<{ id: string }>('select id from holdfast.checkouts where cart_id = $1', [cartId])
    expect(await store.facts(row?.id ?? '')).toEqual(completes.end)
  })

  async function tablesWith(text: string): Promise<string[]> {
    const tables = await store.sql<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname like 'holdfast%'`,
    )
    const found = await Promise.all(
      tables.map(async ({ name }) => {
        const rows = await store.sql<{ found: number }>(
          `select count(*) as found from ${name} as t where position($1 in t::text) > 0`,
          [text],
        )
        return rows[0]?.found === 0 ? [] : [name]
      }),
    )
    return found.flat()
  }
})
