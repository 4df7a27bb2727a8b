/**
 * The Redis sink: adds each event to a stream once, even if it is delivered several times, and a checkout's events in
 * order. Redis must run with `appendfsync always` to lose no acknowledged event.
 */
import { once } from 'node:events'
import { createClient } from 'redis'
import type { CheckoutEvent } from '../domain/events.ts'
import { CheckoutError } from '../domain/failure.ts'
import type { DeliveryContext, ListenerMap } from '../events/listeners.ts'
import { outgoingEvent } from './outgoing-event.ts'
import { type SinkOptions, sinkListeners } from './sink-listeners.ts'

export interface RedisSinkOptions extends SinkOptions {
  /** `redis://user:password@host:port/database` or `rediss://…`. A single server, not a cluster. */
  url: string
  /** The key of the stream. */
  stream: string
  /** Approximate maximum of entries; the oldest are removed. Default 100,000. */
  maxLength?: number
}

export interface RedisSink {
  /** For `createCheckout`. */
  listeners: ListenerMap
  /** Closes the connection. Call it after the engine is closed. Idempotent. */
  close(): Promise<void>
}

/** An event that is delivered again after this time is added again. */
const rememberSeconds = 86_400
const reconnectMsMax = 1_000
const reasonLengthMax = 200

// Redis runs a script completely or not at all, in memory and in the append-only file. The mark is set last: if adding
// fails (out of memory, wrong type of the key), the next attempt must not take the event for added.
const addOnce = `
if redis.call('exists', KEYS[2]) == 1 then return 0 end
redis.call('xadd', KEYS[1], 'maxlen', '~', ARGV[2], '*', unpack(ARGV, 3))
redis.call('set', KEYS[2], '1', 'ex', ARGV[1])
return 1`

/**
 * Needs the `redis` package. Connects with the first event and reconnects by itself. While Redis is unavailable, an
 * attempt fails at once, and the deliverer repeats it. Defaults: `name` "redis", `timeoutMs` 5,000.
 * @throws {CheckoutError} `invalid_argument` for an invalid URL, stream, or length. The message does not contain the URL.
 */
export function createRedisSink(options: RedisSinkOptions): RedisSink {
  const { stream, maxLength = 100_000, name = 'redis', timeoutMs = 5_000 } = options
  if (stream.trim() === '') throw new CheckoutError('invalid_argument', 'stream must not be empty')
  if (!Number.isSafeInteger(maxLength) || maxLength < 1) {
    throw new CheckoutError('invalid_argument', `maxLength must be an integer above 0, not ${maxLength}`)
  }
  const client = connectionTo(options.url, timeoutMs)
  let opening: Promise<unknown> | null = null
  let isClosed = false

  /** Resolves once connected, and rejects with the first failure. All callers share one wait. */
  function connected(): Promise<unknown> {
    if (client.isReady) return Promise.resolve()
    opening ??= once(client, 'ready').finally(() => {
      opening = null
    })
    if (!client.isOpen) client.connect().catch(() => {})
    return opening
  }

  async function add(event: CheckoutEvent, { signal }: DeliveryContext): Promise<void> {
    if (isClosed) throw new Error('the Redis sink is closed')
    const { id, type, checkout_id, occurred_at, data } = outgoingEvent(event)
    const fields = { id, type, checkout_id, occurred_at, data: JSON.stringify(data) }
    await connected().catch(error => {
      throw new Error(`could not reach Redis (${codeOf(error)})`)
    })
    // The attempt may have timed out while it waited, and another process may run the delivery by now.
    signal.throwIfAborted()
    try {
      await client.eval(addOnce, {
        keys: [stream, `${stream}:added:${id}`],
        arguments: [String(rememberSeconds), String(maxLength), ...Object.entries(fields).flat()],
      })
    } catch (error) {
      throw new Error(`Redis could not add the event: ${String((error as Error).message).slice(0, reasonLengthMax)}`)
    }
  }

  return {
    listeners: sinkListeners({ ...options, name, timeoutMs }, add),
    async close() {
      isClosed = true
      client.destroy()
    },
  }
}

function connectionTo(url: string, timeoutMs: number) {
  try {
    const client = createClient({
      url,
      RESP: 2,
      // A queue would hide an outage and send events that the deliverer has already repeated.
      disableOfflineQueue: true,
      // `socketTimeout` closes a silent connection, so a healthy one must send pings.
      pingInterval: timeoutMs / 2,
      socket: {
        connectTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        reconnectStrategy: retries => Math.min(reconnectMsMax, 50 * 2 ** Math.min(retries, 10)),
      },
    })
    // The attempt that needs the connection reports the error.
    client.on('error', () => {})
    return client
  } catch {
    // The client's error contains the URL with its password.
    const message =
      'invalid Redis URL; use redis:// or rediss:// with a host, and optionally a user, password, and database'
    throw new CheckoutError('invalid_argument', message)
  }
}

/** Such as "ECONNREFUSED" or "WRONGPASS". The server's full message can contain the password. */
function codeOf(error: unknown): string {
  const { code, message, name } = error as { code?: string; message?: string; name?: string }
  return code ?? /^[A-Z]{2,}\b/.exec(message ?? '')?.[0] ?? name ?? 'unknown reason'
}
