/** What a scenario plays on: a cart and its buyer, who remembers over the lives of processes what it was told. */

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
  /** The checkout it was told of. */
  lockId: string | null
  /** The last outcome it was told. */
  outcome: Outcome | null
  /** The code of the last refusal of a call. */
  refusal: string | null
  /** Pays, or pays again, and takes the first answer there is. */
  payOnce(engine: CheckoutEngine, payment: PaymentInput): Promise<Outcome | null>
  /** Pays, or pays again, and asks until the answer is a last word or one that waits for somebody. */
  pay(engine: CheckoutEngine, payment: PaymentInput, options?: { ttlMinutes?: number }): Promise<Outcome | null>
  start(engine: CheckoutEngine, options?: { ttlMinutes?: number }): Promise<string | null>
  /** Makes a call on its checkout and keeps what it is told. */
  ask(call: () => Promise<Outcome>): Promise<Outcome | null>
}

export interface Stage {
  readonly world: World
  buyer(lines: Readonly<Record<string, number>>, more?: { usesCoupon?: boolean }): Promise<Buyer>
  readonly buyers: readonly Buyer[]
  /** What its buyers were told as last words. */
  acknowledged(): Acknowledged[]
  /** Time passes before the next step. */
  pause(ms: number): Promise<void>
}

const asksMax = 5
/** Between two questions: asked as often as that, a dead process's lease is over. */
const patienceMs = 3_000

export function createStage(world: World): Stage {
  const buyers: Buyer[] = []
  const told = new Map<string, Acknowledged>()

  const pause = (ms: number) =>
    new Promise<void>(resolve => {
      world.scheduler.after(null, ms, 'somebody waited', resolve)
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

    async function ask(call: () => Promise<Outcome>): Promise<Outcome | null> {
      try {
        const outcome = await call()
        self.outcome = outcome
        self.refusal = null
        if (outcome.status === 'completed') {
          const { lock, order } = outcome
          told.set(lock.id, { checkoutId: lock.id, state: 'completed', orderId: order.id })
        }
        if (outcome.status === 'failed') told.set(outcome.lock.id, { checkoutId: outcome.lock.id, state: 'failed' })
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
      ask,
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
        return id === null ? null : ask(() => engine.processCheckout(id, payment, { sessionId }))
      },
      async pay(engine, payment, options) {
        const id = self.lockId ?? (await self.start(engine, options))
        if (id === null) return null
        let outcome = await ask(() => engine.processCheckout(id, payment, { sessionId }))
        for (let asks = 0; asks < asksMax && (outcome === null || outcome.status === 'processing'); asks += 1) {
          await pause(Math.max(outcome === null ? 0 : outcome.pollAfterMs, patienceMs))
          outcome = await ask(() =>
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

  return { world, buyers, buyer, pause, acknowledged: () => [...told.values()] }
}

/** The code of a refusal, or that there was no answer. Anything else is a bug. */
export function refusalOf(error: unknown): string {
  if (error instanceof CheckoutError || error instanceof DatabaseError) return error.code
  throw error
}
