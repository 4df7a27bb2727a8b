/** The load of the machine by other processes: benchmark results of a busy machine mean little. */

import { cpus } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

/** How many cores other processes use while this process waits for one second. */
export async function coresInUse(): Promise<number> {
  const sum = () => {
    const totals = { idle: 0, all: 0 }
    for (const { times } of cpus()) {
      totals.idle += times.idle
      totals.all += times.idle + times.user + times.nice + times.sys + times.irq
    }
    return totals
  }
  const before = sum()
  await pause(1_000)
  const after = sum()
  const all = after.all - before.all
  return all === 0 ? 0 : cpus().length * (1 - (after.idle - before.idle) / all)
}
