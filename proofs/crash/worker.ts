/** A worker process of the crash enumeration. */
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import { serveJobs } from '../world/worker-pool.ts'
import { die, list, type Tally } from './enumerate.ts'
import { scenarios } from './scenarios.ts'

/** A `point` of null lists the points. */
export interface CrashJob {
  scenario: string
  point: CrashPoint | null
  pairEvery: number
}

export interface CrashResult {
  points: CrashPoint[]
  tally: Tally
}

await serveJobs<CrashJob, CrashResult>(async (world, { scenario: name, point, pairEvery }) => {
  const scenario = scenarios.find(each => each.name === name)
  if (scenario === undefined) throw new Error(`unknown scenario "${name}"`)
  if (point === null) return list(world, scenario)
  return { points: [], tally: await die(world, scenario, point, pairEvery) }
})
