/**
 * The enumeration: a scenario is played once to list the points at which its process could die; then once for every
 * point, and for every ordered pair of points, dying there. After a crash the recoverer is the first to come, or the
 * buyer who asks again: singles are played both ways, pairs the first way, and a twelfth of them the second.
 */
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import type { World } from '../world/world.ts'
import { type Crash, type First, type Played, play } from './play.ts'
import type { Scenario } from './story.ts'

export interface Finding {
  crash: Crash
  what: string[]
}

/** What came of one part of the enumeration of a scenario. */
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
  const what = isConverged ? violations : [...violations, 'it did not come to rest']
  if (what.length > 0) tally.findings.push({ crash, what })
}

/** The points of a scenario, and what is wrong with it when nobody dies. */
export async function list(world: World, scenario: Scenario): Promise<{ points: CrashPoint[]; tally: Tally }> {
  const tally = nothing()
  const crash: Crash = { scenario: scenario.name, deaths: [], first: 'buyer' }
  const played = await play(world, scenario, crash)
  judge(tally, crash, played)
  return { points: played.reached, tally }
}

const buyerPairEvery = 12

/** Dies at `point`, and again at each point of the recovery (or each `pairEvery`th of them). */
export async function die(world: World, scenario: Scenario, point: CrashPoint, pairEvery: number): Promise<Tally> {
  const tally = nothing()
  let number = hash(point)
  for (const first of ['recovery', 'buyer'] satisfies First[]) {
    const crash: Crash = { scenario: scenario.name, deaths: [point], first }
    const played = await play(world, scenario, crash)
    judge(tally, crash, played)
    tally.singles += 1
    // Every pair once; where the buyer comes first after the crash, one of some.
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

/** So that the pairs of a sample differ from point to point. */
function hash(text: string): number {
  let sum = 0
  for (const letter of text) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0
  return sum % 1_000
}
