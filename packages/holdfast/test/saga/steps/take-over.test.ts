/** Fencing: a worker that was replaced changes nothing when it continues. */
import { expect, test } from 'vitest'
import type { PaymentGateway } from '../../../src/payments/gateway.ts'
import type { SagaContext } from '../../../src/saga/context.ts'
import { takeOver } from '../../../src/saga/steps/take-over.ts'
import { paid } from '../../support/store-facts.ts'
import { describeStore, type TestStore } from '../../support/test-store.ts'

type Call = 'authorize' | 'capture' | 'void'

/** An engine that freezes before or after one kind of call, until `wake` is called. */
async function freezing(store: TestStore, kind: Call, when: 'before' | 'after') {
  let reached = (): void => {}
  const frozen = new Promise<void>(resolve => {
    reached = resolve
  })
  let wake = (): void => {}
  const woken = new Promise<void>(resolve => {
    wake = resolve
  })
  const { gateway } = store
  const slow =
    <Request, Answer>(call: (request: Request) => Promise<Answer>) =>
    async (request: Request): Promise<Answer> => {
      if (when === 'before') {
        reached()
        await woken
        return call(request)
      }
      const answer = await call(request)
      reached()
      await woken
      return answer
    }
  const stuck: PaymentGateway = { ...gateway }
  if (kind === 'authorize') stuck.authorize = slow(gateway.authorize)
  if (kind === 'capture') stuck.capture = slow(gateway.capture)
  if (kind === 'void') stuck.void = slow(gateway.void)
  const engine = await store.open({ gateway: stuck, numbers: { gatewayTimeoutMs: 60_000 } })
  return { engine, frozen, wake }
}

const everything = (lockId: string) => ({
  checkout: `select to_jsonb(c) as row from holdfast.checkouts c where id = '${lockId}'`,
  transitions: `select to_jsonb(t) as row from holdfast.transitions t where checkout_id = '${lockId}' order by version`,
  operations: `select to_jsonb(o) as row from holdfast.payment_operations o where checkout_id = '${lockId}' order by kind, attempt`,
  orders: `select to_jsonb(o) as row from holdfast.orders o where checkout_id = '${lockId}'`,
  reservations: `select to_jsonb(r) as row from holdfast.stock_reservations r where checkout_id = '${lockId}' order by line_no, part_no`,
  events: `select to_jsonb(e) as row from holdfast.events e where checkout_id = '${lockId}' order by id`,
})

async function readEverything(store: TestStore, lockId: string) {
  return Promise.all(Object.values(everything(lockId)).map(text => store.sql(text)))
}

const calls = (['authorize', 'capture'] as const).flatMap(kind =>
  (['before', 'after'] as const).map(when => [when, kind] as const),
)

describeStore('Taking over', store => {
  test.each(calls)(
    'a worker that was frozen %s its %s and replaced changes nothing when it continues',
    async (when, kind) => {
      const { engine, frozen, wake } = await freezing(store, kind, when)
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 2 })
      const work = engine.processCheckout(lockId, { token: 'tok_approve' })
      await frozen
      await store.wake(lockId)
      await store.engine.recover()
      expect(await store.facts(lockId)).toEqual(paid(2_500))
      const before = await readEverything(store, lockId)
      wake()
      expect(await work).toMatchObject({ status: 'completed' })
      expect(await readEverything(store, lockId)).toEqual(before)
      expect(await store.stock(sku)).toEqual({ onHand: 98, reserved: 0 })
    },
  )

  test.each(['before', 'after'] as const)(
    'a worker that was frozen %s its void and replaced changes nothing when it continues',
    async when => {
      const { engine, frozen, wake } = await freezing(store, 'void', when)
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 2 })
      const work = engine.processCheckout(lockId, { token: 'tok_capture_decline' })
      await frozen
      await store.wake(lockId)
      await store.engine.recover()
      expect(await store.facts(lockId)).toMatchObject({ state: 'failed', order: 'cancelled', payment: 'voided' })
      const before = await readEverything(store, lockId)
      wake()
      expect(await work).toMatchObject({ status: 'failed', failure: { code: 'capture_refused' } })
      expect(await readEverything(store, lockId)).toEqual(before)
      expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    },
  )

  test('an authorization that a cancellation has fenced is refused by the gateway when it arrives late', async () => {
    const { engine, frozen, wake } = await freezing(store, 'authorize', 'before')
    const { lockId } = await store.begin({ [await store.article()]: 2 })
    const work = engine.processCheckout(lockId, { token: 'tok_approve' })
    await frozen
    await store.engine.cancelCheckout(lockId)
    wake()
    expect(await work).toMatchObject({ failure: { code: 'checkout_cancelled' } })
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', payment: 'voided', charged: 0 })
  })

  test('a worker is not replaced while its lease runs', async () => {
    const { engine, frozen, wake } = await freezing(store, 'capture', 'before')
    const { lockId } = await store.begin({ [await store.article()]: 2 })
    const work = engine.processCheckout(lockId, { token: 'tok_approve' })
    await frozen
    expect(await store.engine.recover()).toBe(0)
    const impatient = await store.open({ numbers: { answerWithinMs: 1 } })
    expect(await impatient.resumeCheckout(lockId)).toMatchObject({ status: 'processing', lock: { state: 'capturing' } })
    wake()
    expect(await work).toMatchObject({ status: 'completed' })
  })

  test('a request to another process waits for the running checkout and returns its result', async () => {
    const { engine, frozen, wake } = await freezing(store, 'capture', 'after')
    const { lockId } = await store.begin({ [await store.article()]: 2 })
    const work = engine.processCheckout(lockId, { token: 'tok_approve' })
    await frozen
    const asking = (await store.open({ apart: true })).processCheckout(lockId, { token: 'tok_approve' })
    wake()
    expect(await asking).toEqual(await work)
  })

  test.each(['before', 'after'] as const)(
    'a worker renews its lease even if a different request for the checkout comes %s it in one batch',
    async when => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token: 'tok_approve', captureLater: true })
      const [leased] = await store.sql<{ epoch: number }>(
        `update holdfast.checkouts set lease_owner = 'this worker', epoch = epoch + 1, wake_at = now() + interval '1 minute'
         where id = $1 returning epoch`,
        [lockId],
      )
      const renewal = { lockId, want: 'capture', ...leased } as const
      const webhook = { lockId, want: 'resume' } as const
      const { database: db, gateway } = store
      const context = { db, gateway, workerId: 'this worker', numbers: { leaseMs: 30_000 } } as unknown as SagaContext
      const results = await takeOver(context, when === 'before' ? [webhook, renewal] : [renewal, webhook])
      expect(results.map(({ kind }) => kind)).toEqual(['leased', 'rests'])
    },
  )

  test('a finished checkout is not taken over, even if it has a wake-up time', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    await store.wake(lockId)
    expect(await store.engine.recover()).toBe(0)
    const rows = await store.sql('select wake_at, lease_owner from holdfast.checkouts where id = $1', [lockId])
    expect(rows).toEqual([{ wake_at: null, lease_owner: null }])
  })

  test('the epoch rises with every take-over and is recorded in the history', async () => {
    store.faults.with = ({ kind }) => (kind === 'capture' ? 'error_before' : null)
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    const epoch = async () =>
      (await store.sql<{ epoch: number }>('select epoch from holdfast.checkouts where id = $1', [lockId]))[0]?.epoch ??
      0
    const first = await epoch()
    for (let taken = 1; taken <= 3; taken += 1) {
      await store.wake(lockId)
      expect(await store.engine.recover()).toBe(1)
      expect(await epoch()).toBe(first + taken)
    }
    store.faults.with = null
    await store.engine.resumeCheckout(lockId)
    const history = (await store.engine.diagnose(lockId))?.timeline
    expect(history?.at(-1)).toMatchObject({ to: 'completed', epoch: first + 4 })
  })
})
