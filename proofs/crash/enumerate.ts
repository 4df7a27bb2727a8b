/**
 * Enumerates crashes. A scenario is played once to list the points at which its process can die, then once per point and
 * once per ordered pair of points. After a crash either recovery or the buyer's retry comes first: single crashes are
 * played both ways, pairs with recovery first, and one pair in twelve with the buyer first.
 */
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import type { World } from '../world/world.ts'
import { type Crash, type First, type Played, play } from './play.ts'
import type { Scenario } from './scenario.ts'

export interface Finding {
  crash: Crash
  what: string[]
}

/** The result of a part of the enumeration. */
export interface Tally {
  singles: number
  pairs: number
  violations: number
  notConverged: number
  findings: Finding[]
}

export const nothing = (): Tally => ({ singles: 0, pairs: 0, violations: 0, notConverged: 0, findings: [] })

export function add(sum: Tally, part: Tally): void {
  for (const key of ['singles', 'pairs', 'violations', 'notConverged'] as const) sum[key] += part[key]
  sum.findings.push(...part.findings)
}

function judge(tally: Tally, crash: Crash, { isConverged, violations }: Played): void {
  if (!isConverged) tally.notConverged += 1
  if (violations.length > 0) tally.violations += 1
  const what = isConverged ? violations : [...violations, 'not converged']
  if (what.length > 0) tally.findings.push({ crash, what })
}

/** Plays a scenario without a crash, and lists its points. */
export async function list(world: World, scenario: Scenario): Promise<{ points: CrashPoint[]; tally: Tally }> {
  const tally = nothing()
  const crash: Crash = { scenario: scenario.name, deaths: [], first: 'buyer' }
  const played = await play(world, scenario, crash)
  judge(tally, crash, played)
  return { points: played.reached, tally }
}

const buyerPairEvery = 12

/** Crashes at `point`, and then also at each point after it, or at each `pairEvery`th. */
export async function die(world: World, scenario: Scenario, point: CrashPoint, pairEvery: number): Promise<Tally> {
  const tally = nothing()
  let number = hash(point)
  for (const first of ['recovery', 'buyer'] satisfies First[]) {
    const crash: Crash = { scenario: scenario.name, deaths: [point], first }
    const played = await play(world, scenario, crash)
    judge(tally, crash, played)
    tally.singles += 1
    // All pairs with recovery first; with the buyer first only a sample.
    const every = first === 'recovery' ? pairEvery : Math.max(pairEvery, buyerPairEvery)
    for (const second of played.reached) {
      number += 1
      if (number % every !== 0) continue
      const pair: Crash = { scenario: scenario.name, deaths: [point, second], first }
      judge(tally, pair, await play(world, scenario, pair))
      tally.pairs += 1
    }
  }
  return tally
}

/** Starts the sample of pairs at a different pair for each point. */
function hash(text: string): number {
  let sum = 0
  for (const letter of text) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0
  return sum % 1_000
}
