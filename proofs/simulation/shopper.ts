/**
 * A shopper of a simulated run: goes from process to process, clicks twice, loses patience, cancels, comes back from
 * the bank or does not, and remembers what it was told.
 */

import { DatabaseError } from '../../packages/holdfast/src/database/database.ts'
import { CheckoutError } from '../../packages/holdfast/src/domain/failure.ts'
import type { Outcome } from '../../packages/holdfast/src/domain/outcome.ts'
import type { CheckoutEngine, PaymentInput } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import type { Random } from '../random.ts'
import type { Process } from '../world/process.ts'
import { articles } from '../world/shop.ts'
import type { World } from '../world/world.ts'
import type { Record as Records } from './records.ts'

export interface ShopperOptions {
  world: World
  random: Random
  records: Records
  cartId: string
  sessionId: string
  userId: string
}

/** How often each token is used, of a hundred. At Stripe: `null` is confirmed in the browser. */
const tokens = {
  sandbox: {
    tok_approve: 40,
    tok_decline: 5,
    tok_action_required: 14,
    tok_pending: 8,
    tok_timeout_before: 4,
    tok_timeout_after: 5,
    tok_error_before: 3,
    tok_error_after: 4,
    tok_late: 5,
    tok_capture_decline: 4,
    tok_capture_timeout_after: 3,
    tok_void_fails: 3,
    tok_wrong_amount: 2,
  },
  stripe: {
    pm_card_visa: 58,
    pm_card_visa_chargeDeclined: 4,
    pm_card_visa_chargeDeclinedInsufficientFunds: 4,
    pm_card_authenticationRequired: 18,
    pm_card_threeDSecureRequiredChargeDeclined: 4,
    null: 12,
  },
}
const approved = { sandbox: 'tok_approve', stripe: 'pm_card_visa' } as const
const asksMax = 10
const triesMax = 3
/** Nothing came back: the process died, or patience ran out. */
const nothing = Symbol('no answer')

export async function goShopping({ world, random, records, cartId, sessionId, userId }: ShopperOptions): Promise<void> {
  const { scheduler } = world
  const pause = (ms: number) =>
    new Promise<void>(resolve => {
      scheduler.after(null, ms, `${sessionId} waited`, resolve)
    })
  const chance = (percent: number) => random.below(100) < percent

  function anyProcess(): Process | null {
    const alive = world.processes.filter(process => !process.isDead)
    return alive.length === 0 ? null : random.pick(alive)
  }

  /** Calls a process, until it answers, dies, or this shopper has had enough of waiting. */
  async function call<Result>(
    work: (engine: CheckoutEngine) => Promise<Result>,
  ): Promise<Result | CheckoutError | typeof nothing> {
    const process = anyProcess()
    if (process === null) return nothing
    const answer = records.waitsFor(process, work(process.engine)).catch((error: unknown) => {
      if (error instanceof CheckoutError) return error
      if (error instanceof DatabaseError) return nothing
      throw error
    })
    let stopWaiting = (): void => {}
    const impatience = new Promise<typeof nothing>(resolve => {
      stopWaiting = scheduler.after(null, random.between(3_000, 60_000), `${sessionId} had enough`, () =>
        resolve(nothing),
      )
    })
    const result = await Promise.race([answer, process.died.then(() => nothing as typeof nothing), impatience])
    stopWaiting()
    return result as Result | CheckoutError | typeof nothing
  }

  async function heard(ask: (engine: CheckoutEngine) => Promise<Outcome>): Promise<Outcome | CheckoutError | null> {
    const answer = await call(ask)
    if (answer === nothing) return null
    if (!(answer instanceof CheckoutError)) records.told(answer)
    return answer
  }

  /** One checkout, to its end or as far as this shopper cares. True: wants to try again. */
  async function tryOnce(): Promise<boolean> {
    const started = await call(engine =>
      engine.startCheckout(cartId, { sessionId, userId, ttlMinutes: random.pick([1, 2, 15]) }),
    )
    if (started === nothing) return true
    if (started instanceof CheckoutError) return started.code !== 'cart_ordered'
    const { id } = started
    if (chance(8)) return false
    const token = random.weighted<string>(tokens[world.provider.name])
    const payment: PaymentInput = {
      token: token === 'null' ? null : token,
      ...(chance(12) ? { captureLater: true } : {}),
    }
    const own = { sessionId }
    const pay = (engine: CheckoutEngine) => {
      records.asked(id)
      return engine.processCheckout(id, payment, own)
    }
    const cancel = (engine: CheckoutEngine) => engine.cancelCheckout(id, own)
    const release = (engine: CheckoutEngine) => engine.releaseCheckout(id, { actor: 'the shop' })
    const clicks = [heard(pay)]
    if (chance(20)) clicks.push(heard(pay))
    if (chance(10)) clicks.push(pause(random.between(0, 5_000)).then(() => heard(cancel)))
    if (chance(4)) clicks.push(pause(random.between(0, 9_000)).then(() => heard(release)))
    if (chance(10)) void changeCart()
    if (chance(10)) void elsewhere()
    let [answer = null] = await Promise.all(clicks)
    for (let asks = 0; asks < asksMax; asks += 1) {
      if (answer instanceof CheckoutError) return answer.code === 'checkout_not_found'
      if (answer === null) {
        await pause(random.between(500, 20_000))
        answer = await heard(engine => (chance(50) ? pay(engine) : engine.resumeCheckout(id, own)))
        continue
      }
      switch (answer.status) {
        case 'completed':
          if (chance(25)) await refund(answer.order.id, answer.order.totalMinor)
          return false
        case 'failed':
          if (chance(30)) await changeCart()
          return chance(50)
        case 'processing':
          await pause(answer.pollAfterMs)
          answer = await heard(engine => engine.resumeCheckout(id, own))
          break
        case 'action_required':
          if (chance(25)) return false
          await world.provider.decide(id, chance(75) ? 'approve' : 'refuse')
          if (chance(25)) return false
          answer = await heard(engine => engine.resumeCheckout(id, own))
          break
        case 'awaiting_capture':
          if (chance(25)) return false
          await pause(random.between(0, 30_000))
          answer = await heard(chance(70) ? engine => engine.captureCheckout(id) : cancel)
          break
        default:
          return answer satisfies never
      }
    }
    return false
  }

  /** In another tab: refused while the cart is locked, and it is the database that refuses. */
  async function changeCart(): Promise<void> {
    await pause(random.between(0, 9_000))
    await world.carts.addLine(sessionId, { sku: articles.plenty.sku, quantity: 1 }).catch((error: unknown) => {
      if (!(error instanceof CheckoutError)) throw error
    })
  }

  /** The same person at another machine, on the same cart. */
  async function elsewhere(): Promise<void> {
    await pause(random.between(0, 9_000))
    const started = await call(engine => engine.startCheckout(cartId, { sessionId: `${sessionId}-elsewhere`, userId }))
    if (started === nothing || started instanceof CheckoutError) return
    records.asked(started.id)
    await heard(engine => engine.processCheckout(started.id, { token: approved[world.provider.name] }))
  }

  async function refund(orderId: string, totalMinor: number): Promise<void> {
    // A part cannot be asked for again once its key may be forgotten.
    const part =
      world.faults.keyMemoryMs === undefined && chance(50) ? { amountMinor: 1 + random.below(totalMinor) } : {}
    const wanted = { key: `refund-${orderId}`, restock: chance(50), ...part }
    for (let asks = 0; asks < 3; asks += 1) {
      const made = await call(engine => engine.refundOrder(orderId, wanted))
      if (made !== nothing && !(made instanceof CheckoutError) && made.status === 'refunded') return
      await pause(random.between(1_000, 20_000))
    }
  }

  await pause(random.between(0, 3_000))
  for (let tries = 0; tries < triesMax && (await tryOnce()); tries += 1) await pause(random.between(500, 10_000))
}
