/** The port between an engine and its metrics. It keeps `prom-client`, an optional peer, out of the engine's imports. */
import type { Moved } from '../../database/checkout-moves.ts'
import type { FiguresSource } from './database-figures.ts'

export interface GaugesSource extends FiguresSource {
  listenerNames(): readonly string[]
}

/** Receives what an engine does. */
export interface Observers {
  observeMoves(moved: Moved): void
  observeGateway(call: { gateway: string; operation: string }, outcome: string, durationMs: number): void
  observeLane(lane: string, size: number, durationMs: number): void
  observeDelivery(listener: string, outcome: string): void
}

/** What metrics read from an engine. */
export interface MetricsSource extends GaugesSource {
  /** The shop's base currency, ISO 4217. */
  currency: string
  /** Number of items that wait or run, per lane. */
  laneSizes(): Readonly<Record<string, number>>
}

export interface MetricsWatch extends Observers {
  stop(): void
}

/** The metrics of one engine, made by `createMetrics` of `holdfast/metrics`. */
export interface EngineMetrics {
  /** The body of `GET /metrics`. `accept` is the request's header; OpenMetrics is returned if it asks for that. */
  render(accept?: string | null): Promise<{ contentType: string; text: string }>
  /** Called by `createCheckout`. @throws if these metrics already belong to another engine. */
  watch(source: MetricsSource): MetricsWatch
  /** Removes the metrics from the register. */
  close(): void
}
