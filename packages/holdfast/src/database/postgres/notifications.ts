/**
 * LISTEN on one connection outside the pool, for all channels. It reconnects after a lost connection; notifications sent
 * in the meantime are lost, so a listener must also poll from time to time.
 */
import type pg from 'pg'
import { backoffDelayMs } from '../../concurrency/backoff.ts'
import { databaseClosed, databaseErrorFrom } from '../driver-errors.ts'

type Receive = (payload: string) => void

export interface Notifications {
  listen(channel: string, receive: Receive): Promise<() => Promise<void>>
  close(): Promise<void>
}

const quoted = (channel: string): string => `"${channel.replaceAll('"', '""')}"`

const reconnectBackoff = { baseMs: 50, capMs: 5_000 }

/** `newClient` returns a client that is not connected yet. */
export function postgresNotifications(newClient: () => pg.Client): Notifications {
  const channels = new Map<string, Set<Receive>>()
  let connected: Promise<pg.Client> | null = null
  let reconnecting: NodeJS.Timeout | null = null
  let failedAttempts = 0
  let closed = false
  let lastAnswer: Promise<unknown> = Promise.resolve()

  /**
   * One statement at a time: the connection is not pipelined, so that closing need not await an answer, and such a
   * connection accepts a statement only after it has answered the previous one.
   */
  function send(client: pg.Client, statement: string): Promise<unknown> {
    const answer = lastAnswer.then(() => client.query(statement))
    lastAnswer = answer.catch(() => {})
    return answer
  }

  async function connect(): Promise<pg.Client> {
    const client = newClient()
    client.on('notification', message => {
      for (const receive of channels.get(message.channel) ?? []) receive(message.payload ?? '')
    })
    client.on('error', () => {})
    client.once('end', () => lost(client))
    await client.connect()
    if (channels.size > 0)
      await send(client, [...channels.keys()].map(channel => `listen ${quoted(channel)}`).join('; '))
    current = client
    failedAttempts = 0
    return client
  }

  let current: pg.Client | null = null

  function connection(): Promise<pg.Client> {
    if (connected === null) {
      const attempt = connect()
      connected = attempt
      attempt.catch(() => {
        if (connected === attempt) connected = null
      })
    }
    return connected
  }

  function lost(client: pg.Client): void {
    if (current !== client) return
    current = null
    connected = null
    reconnect()
  }

  function reconnect(): void {
    if (closed || channels.size === 0 || reconnecting !== null) return
    failedAttempts += 1
    reconnecting = setTimeout(
      () => {
        reconnecting = null
        connection().catch(reconnect)
      },
      backoffDelayMs(reconnectBackoff, failedAttempts),
    )
  }

  async function stop(channel: string, receive: Receive): Promise<void> {
    const receivers = channels.get(channel)
    if (receivers === undefined || !receivers.delete(receive) || receivers.size > 0) return
    channels.delete(channel)
    if (current !== null) await send(current, `unlisten ${quoted(channel)}`).catch(() => {})
  }

  return {
    async listen(channel, receive) {
      if (closed) throw databaseClosed()
      const own: Receive = payload => receive(payload)
      const receivers = channels.get(channel) ?? new Set()
      channels.set(channel, receivers.add(own))
      try {
        const client = await connection()
        await send(client, `listen ${quoted(channel)}`)
      } catch (error) {
        await stop(channel, own)
        throw databaseErrorFrom(error)
      }
      return () => stop(channel, own)
    },
    async close() {
      closed = true
      channels.clear()
      if (reconnecting !== null) clearTimeout(reconnecting)
      const client = await connected?.catch(() => null)
      current = null
      // A peer that is gone would never answer, so nothing waits for the end.
      client?.end().catch(() => {})
    },
  }
}
