/** A process of the crew that simulates seeds. */
import { serveCrew } from '../world/crew.ts'
import { type Simulated, simulate } from './simulate.ts'

export interface SimulateJob {
  seed: number
  stepsMax: number | null
}

await serveCrew<SimulateJob, Simulated>((world, { seed, stepsMax }) =>
  simulate(world, seed, stepsMax === null ? {} : { stepsMax }),
)
