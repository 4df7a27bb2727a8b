/** The current state of a sale. The sale writes it; the picture and the report read it. */
import { type BuyerState, buyerStates } from './buyers.ts'
import type { Stock } from './protocol.ts'
import type { Desk } from './shop.ts'

/** `dead`: a kill. `harm`: another injected fault. `mended`: a recovery. `step`: a phase of the sale. */
export type EventKind = 'dead' | 'harm' | 'mended' | 'step'

export interface SaleEvent {
  atMs: number
  kind: EventKind
  text: string
}

export interface Scene {
  readonly kind: 'embedded' | 'postgres'
  readonly buyers: number
  readonly units: number
  readonly seconds: number
  readonly seed: number
  readonly hasFaults: boolean
  step: 'opening' | 'sale' | 'draining' | 'auditing' | 'over'
  desks: readonly Desk[]
  stock: Stock
  counts: Readonly<Record<BuyerState, number>>
  /** Milliseconds since the sale opened. */
  elapsedMs: number
  /** Ended checkouts per tenth of a second since the sale opened. */
  readonly ends: number[]
  /** The latest events, newest last. */
  readonly events: SaleEvent[]
  /** Total number of events. */
  eventCount: number
  /** Times of `dead` and `harm` events. */
  readonly marks: { atMs: number; kind: EventKind }[]
  readonly tally: Record<'kills' | 'gatewayFaults' | 'cuts' | 'takenOver', number>
}

const eventsMax = 60
const marksMax = 2_000
export const tenthMs = 100

export function newScene(known: Pick<Scene, 'kind' | 'buyers' | 'units' | 'seconds' | 'seed' | 'hasFaults'>): Scene {
  return {
    ...known,
    step: 'opening',
    desks: [],
    stock: { free: known.units, held: 0, sold: 0 },
    counts: { ...(Object.fromEntries(buyerStates.map(state => [state, 0])) as Scene['counts']), waiting: known.buyers },
    elapsedMs: 0,
    ends: [],
    events: [],
    eventCount: 0,
    marks: [],
    tally: { kills: 0, gatewayFaults: 0, cuts: 0, takenOver: 0 },
  }
}

/** `process 2` on PostgreSQL, `engine 2` on the embedded database. */
export const deskName = ({ kind }: Pick<Scene, 'kind'>, desk: number): string =>
  `${kind === 'postgres' ? 'process' : 'engine'} ${desk}`

export function record(scene: Scene, kind: EventKind, text: string): void {
  scene.eventCount += 1
  scene.events.push({ atMs: scene.elapsedMs, kind, text })
  if (scene.events.length > eventsMax) scene.events.shift()
  if ((kind === 'dead' || kind === 'harm') && scene.marks.length < marksMax) {
    scene.marks.push({ atMs: scene.elapsedMs, kind })
  }
}

export function countEnd(scene: Scene): void {
  const tenth = Math.floor(scene.elapsedMs / tenthMs)
  scene.ends[tenth] = (scene.ends[tenth] ?? 0) + 1
}

/** Checkouts that ended in the second before `tenth`. */
export function endsInSecondBefore(scene: Scene, tenth: number): number {
  let sum = 0
  for (let at = Math.max(0, tenth - 10); at < tenth; at += 1) sum += scene.ends[at] ?? 0
  return sum
}

export function bestSecond(scene: Scene): number {
  let best = 0
  for (let tenth = 1; tenth <= scene.ends.length; tenth += 1) best = Math.max(best, endsInSecondBefore(scene, tenth))
  return best
}

/** Milliseconds from the opening to the last end that a buyer saw. */
export const saleMs = (scene: Scene): number => Math.max(scene.ends.length, 1) * tenthMs
