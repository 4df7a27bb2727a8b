/** One sale: buyers arrive, faults are injected, all checkouts end, and the audit compares the records. */
import { setTimeout as passed } from 'node:timers/promises'
import { planBuyers } from './buyer-plans.ts'
import { type Crowd, gatherCrowd } from './buyers.ts'
import { counted, disturb, gatewayFault } from './faults.ts'
import type { CallName, SaleTotals } from './protocol.ts'
import { createSaleDatabase, removeSaleDatabase, type SaleDatabase } from './sale-database.ts'
import { countEnd, deskName, record, type Scene } from './scene.ts'
import { seeded } from './seeded-random.ts'
import { openFlashSaleShop, type Shop } from './shop.ts'
import type { CallArguments, CallResult } from './shop-process.ts'

/** Part of the sale's duration in which buyers arrive. */
const windowPart = 0.7
const faultPercent = 9
const stockEveryMs = 150
const stockTimeoutMs = 4_000
/** Time limits after the sale: for buyers being served, for recovery, and for the audit. */
const servedMs = 15_000
const drainMs = 30_000
const drainPauseMs = 100
const fillMs = 60_000
const auditMs = 120_000

export interface SaleEnd {
  crowd: Crowd
  totals: SaleTotals
  /** Every checkout had ended before the audit. */
  isDrained: boolean
}

export interface SaleOptions {
  scene: Scene
  databaseUrl: string | null
  desks: number
  /** Ends the sale early; its database is still removed. */
  interrupted: AbortSignal
}

/** Thrown if the sale is interrupted. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

export async function holdSale(options: SaleOptions): Promise<SaleEnd> {
  const { scene, databaseUrl, desks, interrupted } = options
  const clock = startClock(scene)
  let place: SaleDatabase | null = null
  let shop: Shop | null = null
  try {
    place = await createSaleDatabase(databaseUrl)
    shop = await openFlashSaleShop({
      place,
      desks,
      faultPercent: scene.hasFaults ? faultPercent : 0,
      onFault(fault, call) {
        scene.tally.gatewayFaults += 1
        record(scene, 'harm', gatewayFault(fault, call))
      },
      onTookOver(desk, checkouts) {
        scene.tally.takenOver += checkouts
        record(scene, 'mended', `${deskName(scene, desk)} took over ${counted(checkouts, 'checkout')}`)
      },
    })
    return await withSignal(serve(shop, scene, clock, interrupted), interrupted)
  } finally {
    clock.stop()
    await shop?.close()
    if (place !== null) await removeSaleDatabase(place)
  }
}

interface SaleClock {
  /** Sets the time to 0 when the sale opens. */
  restart(): void
  readonly elapsedMs: number
  stop(): void
}

function startClock(scene: Scene): SaleClock {
  let startedAt = performance.now()
  const elapsed = () => performance.now() - startedAt
  const timer = setInterval(() => {
    scene.elapsedMs = elapsed()
  }, 20)
  return {
    get elapsedMs() {
      return elapsed()
    },
    restart() {
      startedAt = performance.now()
      scene.elapsedMs = 0
    },
    stop: () => clearInterval(timer),
  }
}

async function serve(shop: Shop, scene: Scene, clock: SaleClock, interrupted: AbortSignal): Promise<SaleEnd> {
  scene.desks = shop.desks
  const windowMs = scene.seconds * 1_000 * windowPart
  const plans = planBuyers(scene.seed, scene.buyers, windowMs)
  const quantities = plans.map(plan => plan.quantity)
  const cartIds = await shop.call('fill', [scene.units, quantities], { timeoutMs: fillMs })

  scene.step = 'sale'
  clock.restart()
  record(scene, 'step', `sale opens for ${counted(scene.buyers, 'buyer')}`)
  const faultsOver = new AbortController()
  const buyersOver = new AbortController()
  const watching = watchStock(shop, scene, buyersOver.signal)
  interrupted.addEventListener('abort', end)
  function end(): void {
    faultsOver.abort()
    buyersOver.abort()
  }

  try {
    const crowd = gatherCrowd({
      shop,
      plans,
      cartIds,
      over: buyersOver.signal,
      isClosed: () => clock.elapsedMs > scene.seconds * 1_000,
      isSoldOut: () => scene.stock.sold >= scene.units,
      onEnd: () => countEnd(scene),
    })
    scene.counts = crowd.counts
    const random = seeded(scene.seed ^ 0x5eed)
    const disturbing = scene.hasFaults
      ? disturb({ shop, scene, random, windowMs, over: faultsOver.signal })
      : Promise.resolve()
    await Promise.race([
      crowd.done,
      passed(scene.seconds * 1_000, undefined, { signal: buyersOver.signal, ref: false }),
    ])
    faultsOver.abort()
    shop.endFaults()
    await disturbing
    await shop.revive()
    scene.step = 'draining'
    if (scene.hasFaults) record(scene, 'step', 'no more faults; interrupted checkouts are recovered')
    await Promise.race([crowd.done, passed(servedMs, undefined, { signal: buyersOver.signal, ref: false })])
    buyersOver.abort()
    await Promise.all([crowd.done, watching])
    const isDrained = await drain(shop)
    scene.stock = await callUntilAnswered(shop, 'stock', [])
    scene.step = 'auditing'
    record(scene, 'step', 'the audit begins')
    const totals = await callUntilAnswered(shop, 'readTotals', [crowd.acknowledged()], auditMs)
    scene.step = 'over'
    return { crowd, totals, isDrained }
  } finally {
    end()
    interrupted.removeEventListener('abort', end)
  }
}

/** Repeats a call whose desk died, at most three times. */
async function callUntilAnswered<Name extends CallName>(
  shop: Shop,
  name: Name,
  given: CallArguments<Name>,
  timeoutMs = 10_000,
): Promise<CallResult<Name>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await shop.call(name, given, { timeoutMs })
    } catch (error) {
      if (tries === 3) throw error
    }
  }
}

/** Recovers until every checkout has ended. False if that took too long. */
async function drain(shop: Shop): Promise<boolean> {
  const deadline = performance.now() + drainMs
  await callUntilAnswered(shop, 'expireLocks', [null])
  while ((await callUntilAnswered(shop, 'recover', [], drainMs)) > 0) {
    if (performance.now() > deadline) return false
    await passed(drainPauseMs)
  }
  return true
}

async function watchStock(shop: Shop, scene: Scene, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const stock = await shop.call('stock', [], { timeoutMs: stockTimeoutMs }).catch(() => null)
    if (stock !== null) scene.stock = stock
    await passed(stockEveryMs, undefined, { signal: over }).catch(() => {})
  }
}

function withSignal<Result>(work: Promise<Result>, interrupted: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Interrupted('the sale was interrupted'))
    if (interrupted.aborted) stop()
    interrupted.addEventListener('abort', stop)
    work.then(resolve, reject).finally(() => interrupted.removeEventListener('abort', stop))
  })
}
