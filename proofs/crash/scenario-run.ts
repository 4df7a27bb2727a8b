/** One run of a scenario: its carts and buyers. A buyer outlives the processes and records each final answer. */

import { DatabaseError } from '../../packages/holdfast/src/database/database.ts'
import { CheckoutError } from '../../packages/holdfast/src/domain/failure.ts'
import type { Outcome } from '../../packages/holdfast/src/domain/outcome.ts'
import type { CheckoutEngine, PaymentInput } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import type { Acknowledged } from '../../packages/holdfast/src/observe/audit/audit.ts'
import { coupon } from '../world/shop.ts'
import type { World } from '../world/world.ts'

export const address = {
  firstName: 'Ada',
  lastName: 'Byron',
  lineOne: 'Hauptstr. 1',
  city: 'Berlin',
  postcode: '10115',
  country: 'DE',
}

export interface Buyer {
  readonly cartId: string
  readonly sessionId: string
  /** The ID of the checkout, once an answer named it. */
  lockId: string | null
  /** The outcome of the last answer. */
  outcome: Outcome | null
  /** The error code of the last refusal. */
  refusal: string | null
  /** Pays, perhaps again, and takes the first answer. */
  payOnce(engine: CheckoutEngine, payment: PaymentInput): Promise<Outcome | null>
  /** Pays, perhaps again, until the answer is final or requires an action. */
  pay(engine: CheckoutEngine, payment: PaymentInput, options?: { ttlMinutes?: number }): Promise<Outcome | null>
  start(engine: CheckoutEngine, options?: { ttlMinutes?: number }): Promise<string | null>
  /** Makes a call and records its answer. */
  request(call: () => Promise<Outcome>): Promise<Outcome | null>
}

export interface ScenarioRun {
  readonly world: World
  buyer(lines: Readonly<Record<string, number>>, more?: { usesCoupon?: boolean }): Promise<Buyer>
  readonly buyers: readonly Buyer[]
  /** The final answers that the buyers received. */
  acknowledged(): Acknowledged[]
  /** Lets time pass in the world. */
  pause(ms: number): Promise<void>
}

const attemptsMax = 5
/** The pause between attempts; after all of them the lease of a dead process has expired. */
const retryMs = 3_000

export function startRun(world: World): ScenarioRun {
  const buyers: Buyer[] = []
  const acknowledged = new Map<string, Acknowledged>()

  const pause = (ms: number) =>
    new Promise<void>(resolve => {
      world.scheduler.after(null, ms, 'a buyer waited', resolve)
    })

  async function buyer(
    lines: Readonly<Record<string, number>>,
    { usesCoupon = false }: { usesCoupon?: boolean } = {},
  ): Promise<Buyer> {
    const sessionId = `session-${buyers.length + 1}`
    const cartId = await world.carts.createCart({
      sessionId,
      email: `${sessionId}@example.com`,
      shippingAddress: address,
      lines: Object.entries(lines).map(([sku, quantity]) => ({ sku, quantity })),
      ...(usesCoupon ? { couponCode: coupon } : {}),
    })

    async function request(call: () => Promise<Outcome>): Promise<Outcome | null> {
      try {
        const outcome = await call()
        self.outcome = outcome
        self.refusal = null
        if (outcome.status === 'completed') {
          const { lock, order } = outcome
          acknowledged.set(lock.id, { checkoutId: lock.id, state: 'completed', orderId: order.id })
        }
        if (outcome.status === 'failed')
          acknowledged.set(outcome.lock.id, { checkoutId: outcome.lock.id, state: 'failed' })
        return outcome
      } catch (error) {
        self.refusal = refusalOf(error)
        return null
      }
    }

    const self: Buyer = {
      cartId,
      sessionId,
      lockId: null,
      outcome: null,
      refusal: null,
      request,
      async start(engine, options = {}) {
        try {
          const lock = await engine.startCheckout(cartId, { sessionId, ...options })
          self.lockId = lock.id
          self.refusal = null
        } catch (error) {
          self.refusal = refusalOf(error)
        }
        return self.lockId
      },
      async payOnce(engine, payment) {
        const id = self.lockId ?? (await self.start(engine))
        return id === null ? null : request(() => engine.processCheckout(id, payment, { sessionId }))
      },
      async pay(engine, payment, options) {
        const id = self.lockId ?? (await self.start(engine, options))
        if (id === null) return null
        let outcome = await request(() => engine.processCheckout(id, payment, { sessionId }))
        for (
          let attempts = 0;
          attempts < attemptsMax && (outcome === null || outcome.status === 'processing');
          attempts += 1
        ) {
          await pause(Math.max(outcome === null ? 0 : outcome.pollAfterMs, retryMs))
          outcome = await request(() =>
            outcome === null
              ? engine.processCheckout(id, payment, { sessionId })
              : engine.resumeCheckout(id, { sessionId }),
          )
        }
        return outcome
      },
    }
    buyers.push(self)
    return self
  }

  return { world, buyers, buyer, pause, acknowledged: () => [...acknowledged.values()] }
}

/** The code of an expected error. @throws any other error, which is a bug. */
export function refusalOf(error: unknown): string {
  if (error instanceof CheckoutError || error instanceof DatabaseError) return error.code
  throw error
}
