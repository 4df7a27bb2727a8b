/** The metrics of an engine as a port: it keeps `prom-client`, an optional peer, out of the engine's imports. */
import type { Moved } from '../../database/checkout-moves.ts'
import type { FiguresSource } from './database-figures.ts'

export interface GaugesSource extends FiguresSource {
  listenerNames(): readonly string[]
}

/** What an engine tells of what it does. */
export interface Observers {
  observeMoves(moved: Moved): void
  observeGateway(call: { gateway: string; operation: string }, outcome: string, durationMs: number): void
  observeLane(lane: string, size: number, durationMs: number): void
  observeDelivery(listener: string, outcome: string): void
}

/** What an engine gives to be watched. */
export interface MetricsSource extends GaugesSource {
  /** What the shop sells in. */
  currency: string
  /** How many wait in each lane or run. */
  laneSizes(): Readonly<Record<string, number>>
}

export interface MetricsWatch extends Observers {
  stop(): void
}

/** The metrics of one engine, made by `createMetrics` of `holdfast/metrics`. */
export interface EngineMetrics {
  /** What `GET /metrics` answers. `accept`: the request's header; OpenMetrics is given to who asks for it. */
  render(accept?: string | null): Promise<{ contentType: string; text: string }>
  /** Called by `createCheckout`. @throws where it watches another engine: each has metrics of its own. */
  watch(source: MetricsSource): MetricsWatch
  /** Takes them out of the register, where the host gave its own. */
  close(): void
}
