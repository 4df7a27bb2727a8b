/** Entry point `holdfast/metrics`. Needs the optional peer `prom-client`. */
import { loadPeer } from '../optional-peer.ts'

export type { Metrics, MetricsOptions } from '../observe/metrics/metrics.ts'

export const { createMetrics } = await loadPeer('prom-client', () => import('../observe/metrics/metrics.ts'))
