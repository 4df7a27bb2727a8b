/** Free places per listener: no listener runs more deliveries at once than its `concurrency` allows. */
import { leaseMarginMs } from './attempt.ts'
import type { ListenerCapacity } from './deliveries.ts'
import type { Listeners } from './listeners.ts'

export interface Capacity {
  /** The listeners with free places. The order rotates with each call, because a batch is limited. */
  free(): ListenerCapacity[]
  occupy(listener: string): void
  release(listener: string): void
}

export function createCapacity(listeners: Pick<Listeners, 'all'>): Capacity {
  /** Running deliveries by listener. */
  const running = new Map<string, number>()
  let turn = 0

  function add(listener: string, count: number): void {
    running.set(listener, (running.get(listener) ?? 0) + count)
  }

  return {
    free() {
      const byName = new Map<string, ListenerCapacity>()
      for (const { name, event, concurrency, timeoutMs } of listeners.all()) {
        const capacity = byName.get(name) ?? { listener: name, types: [], free: 0, leaseMs: 0 }
        capacity.types.push(event)
        capacity.free = Math.max(capacity.free, concurrency - (running.get(name) ?? 0))
        capacity.leaseMs = Math.max(capacity.leaseMs, timeoutMs + leaseMarginMs)
        byName.set(name, capacity)
      }
      const free = [...byName.values()].filter(capacity => capacity.free > 0)
      turn += 1
      return free.map((_, index) => free[(index + turn) % free.length]).filter(capacity => capacity !== undefined)
    },
    occupy: listener => add(listener, 1),
    release: listener => add(listener, -1),
  }
}
