/** Entry point `holdfast/sinks/redis`. Needs the optional peer `redis`. */
import { loadPeer } from '../optional-peer.ts'

export type { RedisSink, RedisSinkOptions } from '../sinks/redis.ts'

export const { createRedisSink } = await loadPeer('redis', () => import('../sinks/redis.ts'))
