/** The other systems that the configuration names, as listeners: a webhook, a Redis stream, both or neither. */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { joinListeners, type ListenerMap } from '../events/listeners.ts'
import { loadPeer } from '../optional-peer.ts'
import { createWebhookSink } from '../sinks/webhook.ts'

export interface OpenSinks {
  listeners: ListenerMap
  /** Called once the engine has ended. */
  close(): Promise<void>
}

/** Reaches nobody yet. @throws {Error} where the Redis client is not installed, or a setting is of no use. */
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
