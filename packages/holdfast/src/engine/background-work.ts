/** The background work of an engine, and the order in which an engine closes: nothing under way is cut off. */
import type { Deliverer } from '../events/deliverer.ts'
import type { Live } from '../events/live.ts'
import type { MetricsWatch } from '../observe/metrics/port.ts'
import type { EngineParts } from './engine-parts.ts'
import type { EngineNumbers } from './settings.ts'

interface Background {
  deliverer: Deliverer
  /** Null if the application brought its own gateway. */
  sandbox: { start(): void } | null
}

/** Starts to recover, reconcile, prune, and deliver in this process. */
export function startWorkers(parts: EngineParts, { deliverer, sandbox }: Background, numbers: EngineNumbers): void {
  const { config, recoverer, reconciler, webhookPruner } = parts
  recoverer.start(numbers.recoverEveryMs)
  if (config.reconcileIntervalMinutes > 0) reconciler.start(config.reconcileIntervalMinutes * 60_000)
  webhookPruner.start(config.cleanupIntervalMinutes * 60_000)
  deliverer.start()
  sandbox?.start()
}

interface Closing {
  deliverer: Deliverer
  watch: MetricsWatch | undefined
  live: Live
  /** What the engine opened, in the order in which it closes. */
  owned: readonly { close(): Promise<void> }[]
}

/** Finishes the work under way, then closes part by part. Every call after this one is refused. */
export async function closeEngine(parts: EngineParts, { deliverer, watch, live, owned }: Closing): Promise<void> {
  const { admission, lanes, recoverer, reconciler, webhookPruner } = parts
  admission.close()
  await Promise.allSettled([reconciler.stop(), webhookPruner.stop(), admission.settled(), recoverer.stop()])
  await Promise.all(Object.values(lanes).map(lane => lane.drain()))
  await deliverer.stop()
  watch?.stop()
  await live.close()
  for (const part of owned) await part.close()
}
