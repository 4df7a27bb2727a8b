/** One sale from its doors to its reckoning: buyers come, faults fire, all comes to rest, and the books are compared. */
import { setTimeout as passed } from 'node:timers/promises'
import { type Crowd, gatherCrowd } from './buyers.ts'
import { counted, disturb, gatewayFault } from './faults.ts'
import { makePlace, removePlace, type TemporaryDatabase } from './place.ts'
import { planBuyers } from './plans.ts'
import type { Answer, Given } from './process.ts'
import type { CallName, Reckoning } from './protocol.ts'
import { countEnd, deskName, record, type Scene } from './scene.ts'
import { seeded } from './seeded.ts'
import { openFlashSaleShop, type Shop } from './shop.ts'

/** Buyers come for so much of the time that the sale may take. */
const windowPart = 0.7
const faultPercent = 9
const lookEveryMs = 150
const lookMs = 4_000
/** Once the doors are closed: for those who are being served, then for what carries on by itself, then for the books. */
const servedMs = 15_000
const drainMs = 30_000
const drainPauseMs = 100
const fillMs = 60_000
const auditMs = 120_000

export interface SaleEnd {
  crowd: Crowd
  reckoning: Reckoning
  /** Nothing was open any more when the books were compared. */
  isDrained: boolean
}

export interface SaleOptions {
  scene: Scene
  databaseUrl: string | null
  desks: number
  /** Ends the sale early; nothing is left behind then either. */
  interrupted: AbortSignal
}

/** Thrown when the sale was ended early. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

export async function holdSale(options: SaleOptions): Promise<SaleEnd> {
  const { scene, databaseUrl, desks, interrupted } = options
  const clock = startClock(scene)
  let place: TemporaryDatabase | null = null
  let shop: Shop | null = null
  try {
    place = await makePlace(databaseUrl)
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
    if (place !== null) await removePlace(place)
  }
}

interface SaleClock {
  /** The doors open: time begins anew. */
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
  record(scene, 'step', `doors open for ${counted(scene.buyers, 'buyer')}`)
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
    if (scene.hasFaults) record(scene, 'step', 'nothing more goes wrong; what was left in the middle is carried on')
    await Promise.race([crowd.done, passed(servedMs, undefined, { signal: buyersOver.signal, ref: false })])
    buyersOver.abort()
    await Promise.all([crowd.done, watching])
    const isDrained = await drain(shop)
    scene.stock = await insist(shop, 'look', [])
    scene.step = 'auditing'
    record(scene, 'step', 'the books are compared')
    const reckoning = await insist(shop, 'reckon', [crowd.acknowledged()], auditMs)
    scene.step = 'over'
    return { crowd, reckoning, isDrained }
  } finally {
    end()
    interrupted.removeEventListener('abort', end)
  }
}

/** Asks again where a desk died over it, at most three times. */
async function insist<Name extends CallName>(
  shop: Shop,
  name: Name,
  given: Given<Name>,
  timeoutMs = 10_000,
): Promise<Answer<Name>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await shop.call(name, given, { timeoutMs })
    } catch (error) {
      if (tries === 3) throw error
    }
  }
}

/** Until nothing is open any more. False when that took too long. */
async function drain(shop: Shop): Promise<boolean> {
  const deadline = performance.now() + drainMs
  await insist(shop, 'letTimePass', [null])
  while ((await insist(shop, 'carryOn', [], drainMs)) > 0) {
    if (performance.now() > deadline) return false
    await passed(drainPauseMs)
  }
  return true
}

async function watchStock(shop: Shop, scene: Scene, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const stock = await shop.call('look', [], { timeoutMs: lookMs }).catch(() => null)
    if (stock !== null) scene.stock = stock
    await passed(lookEveryMs, undefined, { signal: over }).catch(() => {})
  }
}

function withSignal<Result>(work: Promise<Result>, interrupted: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Interrupted('the sale was ended early'))
    if (interrupted.aborted) stop()
    interrupted.addEventListener('abort', stop)
    work.then(resolve, reject).finally(() => interrupted.removeEventListener('abort', stop))
  })
}
