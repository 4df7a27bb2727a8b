/** Kills servers with SIGKILL at random instants, and restarts each immediately. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../random.ts'
import type { ServerProcess } from './server-process.ts'

/** The pace of the kills. */
export type Pace =
  /** At random instants with this average distance. */
  | { kind: 'time'; meanMs: number }
  /** Right after one of the next payments was sent, so it is in progress, independent of the clock. */
  | { kind: 'payments'; most: number }

export interface KillerOptions {
  servers: readonly ServerProcess[]
  random: Random
  pace: Pace
  isOver(): boolean
  /** The killer stops after this many kills. */
  killsMax: number
  /** Resolves when `count` more payments were sent, or the run is over. */
  payments(count: number): Promise<void>
}

/** Kills until the run is over. Returns the number of kills once all servers are up again. */
export async function runKiller(options: KillerOptions): Promise<number> {
  const { servers, random, pace, isOver, killsMax, payments } = options
  const starts = new Map<ServerProcess, Promise<void>>()
  let kills = 0

  const nextInstant = () =>
    pace.kind === 'time'
      ? pause(random.between(pace.meanMs * 0.3, pace.meanMs * 1.7))
      : payments(1 + random.below(pace.most))

  function restart(server: ServerProcess): void {
    // A failed start stays in the map, so that waiting for it throws its error.
    const started = server.start().then(() => void starts.delete(server))
    started.catch(() => {})
    starts.set(server, started)
  }

  while (!isOver() && kills < killsMax) {
    // Kill a server that is up. If there is none, wait for the first one.
    if (!servers.some(server => server.isReady)) {
      if (starts.size === 0) throw new Error('a server exited by itself')
      await Promise.race(starts.values())
    }
    await nextInstant()
    const ready = servers.filter(server => server.isReady)
    if (ready.length === 0 || isOver()) continue
    const victim = random.pick(ready)
    await victim.kill()
    kills += 1
    restart(victim)
  }
  await Promise.all(starts.values())
  return kills
}
