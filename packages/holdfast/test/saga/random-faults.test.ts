/** Random schedules of several processes, impatient buyers, and a faulty gateway: orders, stock, and payments always agree. */
import { expect, test } from 'vitest'
import { seeded } from '../../../cli/src/flash-sale/seeded-random.ts'
import { CheckoutError } from '../../src/domain/failure.ts'
import type { CheckoutEngine } from '../../src/engine/checkout-engine.ts'
import { upsertCoupon } from '../../src/shop/catalog/coupons.ts'
import { sandboxTokens } from '../payments/sandbox/fixture.ts'
import { describeStore } from '../support/test-store.ts'

const buyers = 40
const stepsEach = 14
const seeds = [1, 2]

describeStore(
  'Random faults',
  store => {
    test.each(seeds.flatMap(seed => [[seed, 'process'] as const, [seed, 'start'] as const]))(
      'seed %s, stock held on %s: no unit is sold twice, no buyer is charged twice or without an order',
      async (seed, holdOn) => {
        const random = seeded(seed)
        const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
        const numbers = { gatewayTimeoutMs: 40, leaseMs: 250, answerWithinMs: 60, batchMax: 8 }
        const engines: CheckoutEngine[] = []
        for (let count = 0; count < 3; count += 1) {
          engines.push(await store.open({ apart: true, numbers, config: { holdOn } }))
        }
        const faults = ['timeout_before', 'timeout_after', 'error_before', 'error_after', 'unreachable'] as const
        store.faults.with = () => (random() < 0.15 ? pick(faults) : null)
        store.webhooks.to = pick(engines)
        await upsertCoupon(store.database, {
          code: `C${seed}`,
          discount: { ratePpm: 1_000_000 },
          usageLimit: 7,
          usageLimitPerCustomer: 1,
        })
        const skus = await Promise.all([
          store.article({ stock: [20, 9] }),
          store.article({ stock: [15] }),
          store.article({ stock: [2], policy: 'continue' }),
        ])
        const unexpected: unknown[] = []

        /** Makes the lease look expired, as if its worker had died. */
        const overtake = (lockId: string) =>
          store.sql(
            `update holdfast.checkouts set wake_at = now() where id = $1 and wake_at is not null
               and (state not in ('pending', 'awaiting_action', 'awaiting_capture') or expires_at <= now())`,
            [lockId],
          )

        async function buyer(): Promise<void> {
          const lines = Object.fromEntries(
            skus.filter(() => random() < 0.6).map(sku => [sku, 1 + Math.floor(random() * 2)]),
          )
          if (Object.keys(lines).length === 0) return
          const { cartId, sessionId } = await store.cart(lines, random() < 0.4 ? { couponCode: `C${seed}` } : {})
          let lockId = ''
          let orderId = ''
          const token = random() < 0.5 ? 'tok_approve' : pick(sandboxTokens)
          const begin = async () => {
            lockId = (await pick(engines).startCheckout(cartId, { sessionId })).id
          }
          const process = async () => {
            const outcome = await pick(engines).processCheckout(
              lockId,
              { token, captureLater: random() < 0.2 },
              { sessionId },
            )
            if ('order' in outcome) orderId = outcome.order.id
          }
          await begin().catch(note)
          for (let step = 0; step < stepsEach && lockId !== ''; step += 1) {
            const engine = pick(engines)
            const steps: (() => Promise<unknown>)[] = [
              begin,
              process,
              process,
              () => Promise.all([process(), process()]),
              () => engine.resumeCheckout(lockId, { sessionId }),
              () => store.gateway.approve(`sbx_${lockId}:authorize:1`),
              () => (random() < 0.3 ? engine.cancelCheckout(lockId, { sessionId }) : process()),
              () => engine.captureCheckout(lockId),
              () =>
                orderId === ''
                  ? process()
                  : engine.refundOrder(orderId, { amountMinor: 100, key: 'once', restock: true }),
              () => engine.recover(),
              () => (random() < 0.2 ? store.expire(lockId) : overtake(lockId)),
              () => store.gateway.runDueJobs(),
              () => store.carts.addLine(sessionId, { sku: pick(skus), quantity: 1 }),
            ]
            await pick(steps)().catch(note)
          }
        }
        function note(error: unknown): void {
          if (!(error instanceof CheckoutError)) unexpected.push(error)
        }
        await Promise.all(Array.from({ length: buyers }, buyer))
        expect(await store.violations()).toEqual([])
        store.faults.with = null
        await store.drain()
        expect(unexpected).toEqual([])
      },
      120_000,
    )
  },
  ['postgres'],
)
