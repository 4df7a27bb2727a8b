/** Opens the configured sinks as listeners: a webhook, a Redis stream, both, or neither. */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { joinListeners, type ListenerMap } from '../events/listeners.ts'
import { loadPeer } from '../optional-peer.ts'
import { createWebhookSink } from '../sinks/webhook.ts'

export interface OpenSinks {
  listeners: ListenerMap
  /** Call it after the engine has closed. */
  close(): Promise<void>
}

/** Connects to nothing yet. @throws {MissingPeerError} if the Redis client is not installed; {Error} for an invalid setting. */
export async function openSinks(config: CheckoutConfig): Promise<OpenSinks> {
  const { webhookUrl, webhookSecret, redisUrl, redisStream: stream } = config
  const webhook =
    webhookUrl === null
      ? {}
      : createWebhookSink({
          url: webhookUrl,
          secrets: (webhookSecret ?? '').split(',').map(secret => secret.trim()),
        })
  const redis = redisUrl === null ? null : (await redisSinks()).createRedisSink({ url: redisUrl, stream })
  return {
    listeners: joinListeners(webhook, redis?.listeners ?? {}),
    close: async () => redis?.close(),
  }
}

function redisSinks() {
  return loadPeer('redis', () => import('../sinks/redis.ts'))
}
