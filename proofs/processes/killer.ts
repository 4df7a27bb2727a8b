/** The killer: sends SIGKILL to servers at instants that nobody can foresee, and starts each again at once. */
import type { Random } from '../random.ts'
import type { ServerProcess } from './server-process.ts'

/** When to kill next. */
export type Pace =
  /** At a random instant, so often on average. */
  | { kind: 'time'; meanMs: number }
  /** Right after one of the next payments was sent, so that it is on its way: no clock decides. */
  | { kind: 'payments'; most: number }

export interface KillerOptions {
  servers: readonly ServerProcess[]
  random: Random
  pace: Pace
  isOver(): boolean
  /** It is over after so many, too. */
  killsMax: number
  /** Resolves when so many more payments were sent, or when it is over. */
  payments(count: number): Promise<void>
}

const afterMs = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

/** Kills until it is over, and gives how often it did. Everything is up again when it resolves. */
export async function runKiller(options: KillerOptions): Promise<number> {
  const { servers, random, pace, isOver, killsMax, payments } = options
  const starts = new Map<ServerProcess, Promise<void>>()
  let kills = 0

  const nextInstant = () =>
    pace.kind === 'time'
      ? afterMs(random.between(pace.meanMs * 0.3, pace.meanMs * 1.7))
      : payments(1 + random.below(pace.most))

  function startAgain(server: ServerProcess): void {
    // A start that fails stays in the map, where whoever waits for it hears of it.
    const started = server.start().then(() => void starts.delete(server))
    started.catch(() => {})
    starts.set(server, started)
  }

  while (!isOver() && kills < killsMax) {
    // One that is up takes the blow; where none is, the first to come up.
    if (!servers.some(server => server.isReady)) {
      if (starts.size === 0) throw new Error('a server ended by itself')
      await Promise.race(starts.values())
    }
    await nextInstant()
    const ready = servers.filter(server => server.isReady)
    if (ready.length === 0 || isOver()) continue
    const victim = random.pick(ready)
    await victim.kill()
    kills += 1
    startAgain(victim)
  }
  await Promise.all(starts.values())
  return kills
}
