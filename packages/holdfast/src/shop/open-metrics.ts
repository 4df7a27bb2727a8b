/** Creates the metrics of a shop if `prom-client` is installed. */
import type { EngineMetrics } from '../observe/metrics/port.ts'
import { loadPeer, MissingPeerError } from '../optional-peer.ts'

/** Null if `prom-client` is not installed. */
export async function openMetrics(): Promise<EngineMetrics | null> {
  try {
    const { createMetrics } = await loadPeer('prom-client', () => import('../observe/metrics/metrics.ts'))
    return createMetrics()
  } catch (error) {
    if (error instanceof MissingPeerError) return null
    throw error
  }
}
