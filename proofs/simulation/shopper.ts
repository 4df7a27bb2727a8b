/**
 * A shopper of a simulated run: calls random processes, clicks twice, gives up waiting, cancels, perhaps returns from
 * the bank, and records the answers.
 */

import { DatabaseError } from '../../packages/holdfast/src/database/database.ts'
import { CheckoutError } from '../../packages/holdfast/src/domain/failure.ts'
import type { Outcome } from '../../packages/holdfast/src/domain/outcome.ts'
import type { CheckoutEngine, PaymentInput } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import type { Random } from '../random.ts'
import type { Process } from '../world/process.ts'
import { articles } from '../world/shop.ts'
import type { World } from '../world/world.ts'
import type { AnswerRecords } from './answer-records.ts'

export interface ShopperOptions {
  world: World
  random: Random
  records: AnswerRecords
  cartId: string
  sessionId: string
  userId: string
}

/** The weight of each token; the sum is 100. At Stripe, `null` is confirmed in the browser. */
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
const requestsMax = 10
const checkoutsMax = 3
/** No answer: the process died, or the shopper stopped waiting. */
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

  /** Calls a process until it answers, dies, or the shopper stops waiting. */
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
    const timeout = new Promise<typeof nothing>(resolve => {
      stopWaiting = scheduler.after(null, random.between(3_000, 60_000), `${sessionId} stops waiting`, () =>
        resolve(nothing),
      )
    })
    const result = await Promise.race([answer, process.died.then(() => nothing as typeof nothing), timeout])
    stopWaiting()
    return result as Result | CheckoutError | typeof nothing
  }

  async function request(work: (engine: CheckoutEngine) => Promise<Outcome>): Promise<Outcome | CheckoutError | null> {
    const answer = await call(work)
    if (answer === nothing) return null
    if (!(answer instanceof CheckoutError)) records.answered(answer)
    return answer
  }

  /** One checkout, to its end or until the shopper leaves. True: the shopper wants to try again. */
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
      records.requested(id)
      return engine.processCheckout(id, payment, own)
    }
    const cancel = (engine: CheckoutEngine) => engine.cancelCheckout(id, own)
    const release = (engine: CheckoutEngine) => engine.releaseCheckout(id, { actor: 'the shop' })
    const clicks = [request(pay)]
    if (chance(20)) clicks.push(request(pay))
    if (chance(10)) clicks.push(pause(random.between(0, 5_000)).then(() => request(cancel)))
    if (chance(4)) clicks.push(pause(random.between(0, 9_000)).then(() => request(release)))
    if (chance(10)) void changeCart()
    if (chance(10)) void elsewhere()
    let [answer = null] = await Promise.all(clicks)
    for (let requests = 0; requests < requestsMax; requests += 1) {
      if (answer instanceof CheckoutError) return answer.code === 'checkout_not_found'
      if (answer === null) {
        await pause(random.between(500, 20_000))
        answer = await request(engine => (chance(50) ? pay(engine) : engine.resumeCheckout(id, own)))
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
          answer = await request(engine => engine.resumeCheckout(id, own))
          break
        case 'action_required':
          if (chance(25)) return false
          await world.provider.decide(id, chance(75) ? 'approve' : 'refuse')
          if (chance(25)) return false
          answer = await request(engine => engine.resumeCheckout(id, own))
          break
        case 'awaiting_capture':
          if (chance(25)) return false
          await pause(random.between(0, 30_000))
          answer = await request(chance(70) ? engine => engine.captureCheckout(id) : cancel)
          break
        default:
          return answer satisfies never
      }
    }
    return false
  }

  /** Changes the cart in another tab. The database refuses that while the cart is locked. */
  async function changeCart(): Promise<void> {
    await pause(random.between(0, 9_000))
    await world.carts.addLine(sessionId, { sku: articles.plenty.sku, quantity: 1 }).catch((error: unknown) => {
      if (!(error instanceof CheckoutError)) throw error
    })
  }

  /** The same user on another device, with the same cart. */
  async function elsewhere(): Promise<void> {
    await pause(random.between(0, 9_000))
    const started = await call(engine => engine.startCheckout(cartId, { sessionId: `${sessionId}-elsewhere`, userId }))
    if (started === nothing || started instanceof CheckoutError) return
    records.requested(started.id)
    await request(engine => engine.processCheckout(started.id, { token: approved[world.provider.name] }))
  }

  async function refund(orderId: string, totalMinor: number): Promise<void> {
    // A partial refund cannot be repeated once the provider may have forgotten its key.
    const part =
      world.faults.keyMemoryMs === undefined && chance(50) ? { amountMinor: 1 + random.below(totalMinor) } : {}
    const wanted = { key: `refund-${orderId}`, restock: chance(50), ...part }
    for (let attempts = 0; attempts < 3; attempts += 1) {
      const made = await call(engine => engine.refundOrder(orderId, wanted))
      if (made !== nothing && !(made instanceof CheckoutError) && made.status === 'refunded') return
      await pause(random.between(1_000, 20_000))
    }
  }

  await pause(random.between(0, 3_000))
  for (let checkouts = 0; checkouts < checkoutsMax && (await tryOnce()); checkouts += 1)
    await pause(random.between(500, 10_000))
}
