/** Fault injection during a sale: kills processes, abandons engines, and cuts database connections. */
import { setTimeout as passed } from 'node:timers/promises'
import { deskName, record, type Scene } from './scene.ts'
import type { Desk, Shop } from './shop.ts'

export interface FaultOptions {
  shop: Shop
  scene: Scene
  random(): number
  /** Time in which buyers arrive, milliseconds. */
  windowMs: number
  /** Stops the injection of faults. */
  over: AbortSignal
}

const firstAfter = 0.09
const gapMinMs = 1_300
const gapsAWindow = 5
const patienceGaps = 2
/** Time that a kill waits for a desk with calls in progress. */
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
      return `gateway executed ${noun} and never answered`
    case 'error_after':
      return `gateway executed ${noun} and answered 500`
    case 'timeout_before':
      return `gateway never answered ${noun}`
    case 'error_before':
      return `gateway answered 500 to ${noun}`
    default:
      return `gateway was unreachable for ${noun}`
  }
}

/** Injects faults until `over`, and restarts what it killed. */
export async function disturb(options: FaultOptions): Promise<void> {
  const { shop, scene, random, windowMs, over } = options
  const isOver = () => over.aborted
  const gapMs = Math.max(gapMinMs, windowMs / gapsAWindow)
  const reviving = new Set<Promise<void>>()

  const pause = (ms: number) => passed(ms, undefined, { signal: over }).catch(() => {})

  /** The open desk with the most calls in progress, never the last open one. Null if faults are over. */
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
    record(scene, 'dead', `${deskName(scene, desk.number)} ${how}, ${calls} in progress`)
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
    record(scene, 'dead', `shop and database killed (SIGKILL), ${calls} in progress`)
    await shop.killAll()
    reviveLater()
    // Wait for the restart: the next fault needs a running process.
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

  /** Waits for the next sold unit, at most a few gaps, so a slow machine makes progress. */
  async function nextSale(soldBefore: number): Promise<void> {
    for (let leftMs = gapMs * patienceGaps; leftMs > 0 && !isOver(); leftMs -= 50) {
      const { sold } = scene.stock
      if (sold > soldBefore || sold === scene.units) return
      await pause(50)
    }
  }

  await pause(windowMs * firstAfter)
  await nextSale(0)
  for (let round = 0; !isOver(); round += 1) {
    const { sold } = scene.stock
    // The embedded database dies with all its engines at once; on PostgreSQL processes die one by one.
    if (shop.kind === 'embedded' && round % 5 === 1) await killAll()
    else await killDesk()
    await pause((gapMs / 2) * (0.8 + random() * 0.4))
    if (shop.kind === 'postgres' && !isOver()) await cut()
    await pause((gapMs / 2) * (0.8 + random() * 0.4))
    await nextSale(sold)
  }
  await Promise.all(reviving)
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}
