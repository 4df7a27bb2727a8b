/**
 * The Redis sink: adds events to a stream, each once however often it is delivered, those of a checkout in order. Redis
 * keeps what it acknowledged as well as it is told to: with `appendfsync always` it loses nothing.
 */
import { once } from 'node:events'
import { createClient } from 'redis'
import type { CheckoutEvent } from '../domain/events.ts'
import { CheckoutError } from '../domain/failure.ts'
import type { DeliveryContext, ListenerMap } from '../events/listeners.ts'
import { outgoingEvent } from './outgoing-event.ts'
import { type SinkOptions, sinkListeners } from './sink-listeners.ts'

export interface RedisSinkOptions extends SinkOptions {
  /** `redis://user:password@host:port/database`, or `rediss://…`. One server, no cluster. */
  url: string
  /** The key of the stream. */
  stream: string
  /** Entries to keep, roughly: the oldest go. Default 100,000. */
  maxLength?: number
}

export interface RedisSink {
  /** For `createCheckout`. */
  listeners: ListenerMap
  /** Ends the connection: once the engine has been closed. Idempotent. */
  close(): Promise<void>
}

/** What is delivered again later than this is added again. */
const rememberSeconds = 86_400
const reconnectMsMax = 1_000
const reasonLengthMax = 200

// A script is done whole or not at all, in memory as in the append-only file. The mark is made last: where adding fails
// (no memory, something else under the key), the next try must not believe that it was done.
const addOnce = `
if redis.call('exists', KEYS[2]) == 1 then return 0 end
redis.call('xadd', KEYS[1], 'maxlen', '~', ARGV[2], '*', unpack(ARGV, 3))
redis.call('set', KEYS[2], '1', 'ex', ARGV[1])
return 1`

/**
 * Needs the `redis` package. Connects with the first event, and again by itself; while Redis is away a try fails at
 * once, and the deliverer repeats it. `name` is "redis" and `timeoutMs` 5,000 unless told otherwise.
 * @throws {CheckoutError} `invalid_argument`: no usable address, stream or length. It does not name the address.
 */
export function createRedisSink(options: RedisSinkOptions): RedisSink {
  const { stream, maxLength = 100_000, name = 'redis', timeoutMs = 5_000 } = options
  if (stream.trim() === '') throw new CheckoutError('invalid_argument', 'A Redis stream has a key.')
  if (!Number.isSafeInteger(maxLength) || maxLength < 1) {
    throw new CheckoutError('invalid_argument', 'A Redis stream keeps a whole number of entries, from 1.')
  }
  const client = connectionTo(options.url, timeoutMs)
  let opening: Promise<unknown> | null = null
  let isClosed = false

  /** Settles with the connection, or with the first failure to get one; one wait for all who wait. */
  function connected(): Promise<unknown> {
    if (client.isReady) return Promise.resolve()
    opening ??= once(client, 'ready').finally(() => {
      opening = null
    })
    if (!client.isOpen) client.connect().catch(() => {})
    return opening
  }

  async function add(event: CheckoutEvent, { signal }: DeliveryContext): Promise<void> {
    if (isClosed) throw new Error('The connection to Redis was closed')
    const { id, type, checkout_id, occurred_at, data } = outgoingEvent(event)
    const fields = { id, type, checkout_id, occurred_at, data: JSON.stringify(data) }
    await connected().catch(error => {
      throw new Error(`Redis cannot be reached (${codeOf(error)})`)
    })
    // It has waited for the connection, and somebody else may have the event by now.
    signal.throwIfAborted()
    try {
      await client.eval(addOnce, {
        keys: [stream, `${stream}:added:${id}`],
        arguments: [String(rememberSeconds), String(maxLength), ...Object.entries(fields).flat()],
      })
    } catch (error) {
      throw new Error(`Redis did not add the event: ${String((error as Error).message).slice(0, reasonLengthMax)}`)
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
      // A queue would hide that Redis is away, and send what the deliverer has long tried again.
      disableOfflineQueue: true,
      // A connection that is silent for so long is given up, so a healthy one must not be silent.
      pingInterval: timeoutMs / 2,
      socket: {
        connectTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        reconnectStrategy: retries => Math.min(reconnectMsMax, 50 * 2 ** Math.min(retries, 10)),
      },
    })
    // Whoever has an event to add hears of it.
    client.on('error', () => {})
    return client
  } catch {
    // The error and its properties repeat the address, with the password in it.
    const message =
      'The address of Redis is redis:// or rediss:// with a host, and perhaps user, password and database.'
    throw new CheckoutError('invalid_argument', message)
  }
}

/** "ECONNREFUSED", "WRONGPASS"; a server's sentence may repeat what it was sent, the password among it. */
function codeOf(error: unknown): string {
  const { code, message, name } = error as { code?: string; message?: string; name?: string }
  return code ?? /^[A-Z]{2,}\b/.exec(message ?? '')?.[0] ?? name ?? 'no reason given'
}
