/** A worker process of the simulation. */
import type { ProviderName } from '../world/provider.ts'
import { serveJobs } from '../world/worker-pool.ts'
import { type Simulated, simulate } from './simulate.ts'

export interface SimulateJob {
  seed: number
  stepsMax: number | null
  provider: ProviderName
}

await serveJobs<SimulateJob, Simulated>((world, { seed, stepsMax, provider }) =>
  simulate(world, seed, { provider, ...(stepsMax === null ? {} : { stepsMax }) }),
)
