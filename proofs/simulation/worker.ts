/** A process of the crew that simulates seeds. */

import { serveCrew } from '../world/crew.ts'
import type { ProviderName } from '../world/provider.ts'
import { type Simulated, simulate } from './simulate.ts'

export interface SimulateJob {
  seed: number
  stepsMax: number | null
  provider: ProviderName
}

await serveCrew<SimulateJob, Simulated>((world, { seed, stepsMax, provider }) =>
  simulate(world, seed, { provider, ...(stepsMax === null ? {} : { stepsMax }) }),
)
