/** What goes wrong on purpose while a sale is on: processes and engines die in the middle, connections are cut. */
import { setTimeout as passed } from 'node:timers/promises'
import { deskName, record, type Scene } from './scene.ts'
import type { Desk, Shop } from './shop.ts'

export interface FaultOptions {
  shop: Shop
  scene: Scene
  random(): number
  /** How long buyers keep coming. */
  windowMs: number
  /** Nothing goes wrong any more when it is aborted. */
  over: AbortSignal
}

const firstAfter = 0.09
const gapMinMs = 1_300
const gapsAWindow = 5
const patienceGaps = 2
/** So long a kill waits for a desk that is in the middle of something. */
const aimMs = 1_500

const nouns: Readonly<Record<string, string>> = {
  authorize: 'an authorization',
  capture: 'a capture',
  void: 'a void',
  refund: 'a refund',
}

/** A fault of the gateway, in words. */
export function gatewayFault(fault: string, call: string): string {
  const noun = nouns[call] ?? call
  switch (fault) {
    case 'timeout_after':
      return `gateway made ${noun} and never answered`
    case 'error_after':
      return `gateway made ${noun} and answered 500`
    case 'timeout_before':
      return `gateway never answered ${noun}`
    case 'error_before':
      return `gateway answered 500 to ${noun}`
    default:
      return `gateway could not be reached for ${noun}`
  }
}

/** Lets things go wrong until `over`; by then whatever was dead is open again, or about to be. */
export async function disturb(options: FaultOptions): Promise<void> {
  const { shop, scene, random, windowMs, over } = options
  const isOver = () => over.aborted
  const gapMs = Math.max(gapMinMs, windowMs / gapsAWindow)
  const reviving = new Set<Promise<void>>()

  const pause = (ms: number) => passed(ms, undefined, { signal: over }).catch(() => {})

  /** The open desk that has most in the middle; the last one that is open is spared. Null: no time for that any more. */
  async function aim(): Promise<Desk | null> {
    const needed = Math.min(2, shop.desks.length)
    for (let leftMs = aimMs; !isOver(); leftMs -= 10) {
      const open = shop.desks.filter(desk => desk.condition === 'open')
      const [busiest] = open.sort((one, other) => shop.waitingAt(other) - shop.waitingAt(one))
      const isEnough = busiest !== undefined && open.length >= needed
      if (isEnough && (shop.waitingAt(busiest) > 0 || leftMs <= 0)) return busiest
      await pause(10)
    }
    return null
  }

  function reviveLater(): void {
    const revived = pause(500 + random() * 600)
      .then(() => shop.revive())
      .catch((error: unknown) => {
        record(scene, 'harm', error instanceof Error ? error.message : String(error))
      })
      .finally(() => reviving.delete(revived))
    reviving.add(revived)
  }

  async function killDesk(): Promise<void> {
    const desk = await aim()
    if (desk === null || isOver()) return
    const calls = counted(shop.waitingAt(desk), 'call')
    scene.tally.kills += 1
    const how = shop.kind === 'postgres' ? 'killed (SIGKILL)' : 'abandoned'
    record(scene, 'dead', `${deskName(scene, desk.number)} ${how}, ${calls} in the middle`)
    await shop.killDesk(desk)
    reviveLater()
  }

  async function killAll(): Promise<void> {
    if ((await aim()) === null || isOver()) return
    const calls = counted(
      shop.desks.reduce((sum, desk) => sum + shop.waitingAt(desk), 0),
      'call',
    )
    scene.tally.kills += 1
    record(scene, 'dead', `shop and database killed (SIGKILL), ${calls} in the middle`)
    await shop.killAll()
    reviveLater()
    // Before anything else goes wrong somebody must be there for it to happen to.
    await Promise.all(reviving)
  }

  async function cut(): Promise<void> {
    const open = shop.desks.filter(desk => desk.condition === 'open')
    const desk = open[Math.floor(random() * open.length)]
    if (desk === undefined) return
    const connections = await shop.cutConnections(desk)
    if (connections === 0) return
    scene.tally.cuts += connections
    record(scene, 'harm', `${counted(connections, 'database connection')} of ${deskName(scene, desk.number)} cut`)
  }

  /** Until something was sold since, so that a slow machine gets anywhere; but no longer than for a few gaps. */
  async function sale(soldBefore: number): Promise<void> {
    for (let leftMs = gapMs * patienceGaps; leftMs > 0 && !isOver(); leftMs -= 50) {
      const { sold } = scene.stock
      if (sold > soldBefore || sold === scene.units) return
      await pause(50)
    }
  }

  await pause(windowMs * firstAfter)
  await sale(0)
  for (let round = 0; !isOver(); round += 1) {
    const { sold } = scene.stock
    // All at once is what happens to the embedded database; a server has its processes die one by one.
    if (shop.kind === 'embedded' && round % 5 === 1) await killAll()
    else await killDesk()
    await pause((gapMs / 2) * (0.8 + random() * 0.4))
    if (shop.kind === 'postgres' && !isOver()) await cut()
    await pause((gapMs / 2) * (0.8 + random() * 0.4))
    await sale(sold)
  }
  await Promise.all(reviving)
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}
