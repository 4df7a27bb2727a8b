/** Refunds in the gateway's dashboard and disputes at the buyer's bank are recorded on the order, once. */
import { expect, test } from 'vitest'
import { describeStore, type TestStore } from '../../support/test-store.ts'

async function bought(store: TestStore, quantity = 2) {
  const { lockId } = await store.begin({ [await store.article()]: quantity })
  await store.engine.processCheckout(lockId, { token: 'tok_approve' })
  const reference = `sbx_${lockId}:authorize:1`
  return { lockId, reference, orderId: await orderIdOf(store, lockId) }
}

async function orderIdOf(store: TestStore, lockId: string): Promise<string> {
  const [order] = await store.sql<{ id: string }>('select id from holdfast.orders where checkout_id = $1', [lockId])
  return order?.id ?? ''
}

/** Refunds a payment in the gateway's dashboard. */
const giveBack = (store: TestStore, reference: string, minor: number) =>
  store.sql('update holdfast_sandbox.payments set refunded_minor = refunded_minor + $2 where id = $1', [
    reference,
    minor,
  ])

const contest = (store: TestStore, reference: string, status: string) =>
  store.sql('update holdfast_sandbox.payments set disputes = $2::jsonb where id = $1', [
    reference,
    JSON.stringify([{ id: 'dp_1', status, reason: 'product_not_received', amountMinor: 2_500 }]),
  ])

/** Delivers the gateway's webhook. */
async function deliver(store: TestStore, type: string, reference: string) {
  store.webhooks.to = store.engine
  await store.sql(
    `insert into holdfast_sandbox.jobs (id, kind, payment_id, payload, due_at)
     values (gen_random_uuid(), 'webhook', $1, $2::jsonb, now() - interval '1 minute')`,
    [reference, JSON.stringify({ type, data: { reference } })],
  )
  await store.pass(1)
  await store.engine.recover()
}

const lookAgain = (store: TestStore) =>
  store.sql('update holdfast.webhooks set look_at = now() where handled_at is null and look_at is not null')

const openOnes = (store: TestStore) =>
  store.sql('select type from holdfast.webhooks where handled_at is null and checkout_id is not null')

interface RefundRow {
  attempt: number
  status: string
  amount_minor: number
  reason: string | null
}
const refunds = (store: TestStore, lockId: string) =>
  store.sql<RefundRow>(
    `select attempt, status, amount_minor, purpose->>'reason' as reason from holdfast.payment_operations
     where checkout_id = $1 and kind = 'refund' order by attempt`,
    [lockId],
  )

describeStore('A refund made at the gateway', store => {
  test('a refund made at the gateway is recorded with its event, and a repeated webhook changes nothing', async () => {
    const { lockId, orderId, reference } = await bought(store)
    await giveBack(store, reference, 700)
    for (let times = 0; times < 2; times += 1) {
      await deliver(store, 'refund.created', reference)
      expect(await refunds(store, lockId)).toEqual([
        { attempt: 1, status: 'succeeded', amount_minor: 700, reason: 'made at the gateway' },
      ])
      expect(await store.engine.getOrder(orderId)).toMatchObject({ status: 'partially_refunded', refundedMinor: 700 })
      expect((await store.facts(lockId)).events.filter(type => type === 'OrderRefunded')).toHaveLength(1)
    }
    expect(await openOnes(store)).toEqual([])
  })

  test('a refund made at the gateway reduces what can be refunded, and a full one marks all lines as refunded', async () => {
    const { lockId, orderId, reference } = await bought(store)
    await store.engine.refundOrder(orderId, { amountMinor: 300 })
    await giveBack(store, reference, 200)
    await deliver(store, 'refund.created', reference)
    expect(await store.engine.refundOrder(orderId, { amountMinor: 500 })).toMatchObject({ status: 'refunded' })
    await giveBack(store, reference, 1_500)
    await deliver(store, 'refund.updated', reference)
    expect((await refunds(store, lockId)).map(({ amount_minor }) => amount_minor)).toEqual([300, 200, 500, 1_500])
    expect(await store.engine.getOrder(orderId)).toMatchObject({
      status: 'refunded',
      refundedMinor: 2_500,
      lines: [{ quantity: 2, refundedQuantity: 2 }],
    })
  })

  test('a refund made at the gateway is recorded once by concurrent processes', async () => {
    const { lockId, orderId, reference } = await bought(store)
    await giveBack(store, reference, 700)
    const apart = store.kind === 'postgres'
    const engines = await Promise.all([1, 2, 3, 4].map(() => store.open({ apart })))
    await store.sql(
      `insert into holdfast.webhooks (gateway, event_id, type, about, checkout_id, reference, payload)
       select 'sandbox', 'evt-' || n, 'refund.created', 'money_back', $1::uuid, $2, '{}' from generate_series(1, 20) n`,
      [lockId, reference],
    )
    await Promise.all(engines.flatMap(engine => [engine.recover(), engine.recover()]))
    await store.engine.recover()
    expect(await refunds(store, lockId)).toMatchObject([{ amount_minor: 700 }])
    expect(await store.engine.getOrder(orderId)).toMatchObject({ refundedMinor: 700 })
  })

  test('our own open refund is settled before the difference counts as made at the gateway', async () => {
    const { lockId, orderId, reference } = await bought(store)
    const asked = await store.open({
      gateway: {
        ...store.gateway,
        // The refund is executed, but its answer is lost and lookups fail for a while.
        refund: async request => {
          await store.gateway.refund(request)
          return { outcome: 'unknown', message: 'reset' }
        },
        lookup: async () => ({ outcome: 'unknown', message: 'reset' }),
      },
    })
    expect(await asked.refundOrder(orderId, { amountMinor: 400 })).toMatchObject({ status: 'processing' })
    store.webhooks.to = null
    await store.sql(
      `insert into holdfast.webhooks (gateway, event_id, type, about, checkout_id, reference, payload)
       values ('sandbox', 'evt-open', 'refund.created', 'money_back', $1::uuid, $2, '{}')`,
      [lockId, reference],
    )
    await asked.recover()
    expect(await refunds(store, lockId)).toMatchObject([{ status: 'intended', amount_minor: 400 }])
    expect(await openOnes(store)).toHaveLength(1)
    await lookAgain(store)
    // The webhook of our own refund makes recovery look it up.
    await store.engine.recover()
    expect(await refunds(store, lockId)).toMatchObject([{ status: 'succeeded', amount_minor: 400 }])
    expect(await openOnes(store)).toEqual([])
    expect(await store.engine.getOrder(orderId)).toMatchObject({ refundedMinor: 400 })
  })

  test('a refund made at the gateway is read again later if the gateway does not answer', async () => {
    const { lockId, reference } = await bought(store)
    await giveBack(store, reference, 100)
    const deaf = await store.open({ gateway: { ...store.gateway, inspect: () => Promise.reject(new Error('reset')) } })
    await store.sql(
      `insert into holdfast.webhooks (gateway, event_id, type, about, checkout_id, reference, payload)
       values ('sandbox', 'evt-deaf', 'refund.created', 'money_back', $1::uuid, $2, '{}')`,
      [lockId, reference],
    )
    await deaf.recover()
    expect(await refunds(store, lockId)).toEqual([])
    expect(await openOnes(store)).toHaveLength(1)
    await lookAgain(store)
    await store.engine.recover()
    expect(await refunds(store, lockId)).toMatchObject([{ amount_minor: 100 }])
  })

  test('a refund made at the gateway never exceeds the captured amount, even if the gateway reports more', async () => {
    const { lockId, orderId, reference } = await bought(store)
    const boastful = await store.open({
      gateway: {
        ...store.gateway,
        inspect: async (...asked) => {
          const payment = await store.gateway.inspect(...asked)
          return payment === null ? null : { ...payment, refundedMinor: 99_999 }
        },
      },
    })
    await giveBack(store, reference, 2_500)
    await store.sql(
      `insert into holdfast.webhooks (gateway, event_id, type, about, checkout_id, reference, payload)
       values ('sandbox', 'evt-more', 'refund.created', 'money_back', $1::uuid, $2, '{}')`,
      [lockId, reference],
    )
    await boastful.recover()
    expect(await refunds(store, lockId)).toMatchObject([{ amount_minor: 2_500 }])
    expect(await store.engine.getOrder(orderId)).toMatchObject({ status: 'refunded', refundedMinor: 2_500 })
  })
})

describeStore('A dispute', store => {
  test('a dispute is kept on the order with its latest status, and each change publishes an event', async () => {
    const published: unknown[] = []
    store.engine.listeners.add('OrderDisputed', {
      name: `disputes-${store.kind}`,
      run: ({ order, dispute }) => void published.push([order.id, dispute.status, order.metadata.disputes?.length]),
    })
    const { orderId, reference } = await bought(store)
    for (const status of ['needs_response', 'needs_response', 'lost']) {
      await contest(store, reference, status)
      await deliver(store, 'dispute.updated', reference)
      expect((await store.engine.getOrder(orderId))?.metadata.disputes).toEqual([
        { id: 'dp_1', status, reason: 'product_not_received', amount: 2_500 },
      ])
    }
    await store.drain()
    expect(published).toEqual([
      [orderId, 'needs_response', 1],
      [orderId, 'lost', 1],
    ])
    expect((await store.engine.getOrder(orderId))?.metadata.payment).toMatchObject({ amount: 2_500 })
  })
})
