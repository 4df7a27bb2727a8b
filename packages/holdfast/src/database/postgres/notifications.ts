/**
 * Hears notifications on one connection of its own, outside of the pool, for all channels. After a lost connection it
 * comes back by itself; what was sent meanwhile is not heard, so a listener also looks by itself from time to time.
 */
import type pg from 'pg'
import { DatabaseError } from '../database.ts'
import { databaseErrorFrom } from '../driver-errors.ts'

type Receive = (payload: string) => void

export interface Notifications {
  listen(channel: string, receive: Receive): Promise<() => Promise<void>>
  close(): Promise<void>
}

const quoted = (channel: string): string => `"${channel.replaceAll('"', '""')}"`

/** `newClient` gives a client that is not connected yet. */
export function postgresNotifications(newClient: () => pg.Client): Notifications {
  const channels = new Map<string, Set<Receive>>()
  let connected: Promise<pg.Client> | null = null
  let again: NodeJS.Timeout | null = null
  let losses = 0
  let closed = false
  let said: Promise<unknown> = Promise.resolve()

  /**
   * One statement after the other: this connection is not pipelined, so that closing need not wait for an answer, and
   * one that is not pipelined takes a statement only once it has answered the one before.
   */
  function say(client: pg.Client, statement: string): Promise<unknown> {
    const answer = said.then(() => client.query(statement))
    said = answer.catch(() => {})
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
      await say(client, [...channels.keys()].map(channel => `listen ${quoted(channel)}`).join('; '))
    current = client
    losses = 0
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
    comeBack()
  }

  function comeBack(): void {
    if (closed || channels.size === 0 || again !== null) return
    const pauseMs = Math.min(5_000, 50 * 2 ** losses) * (0.5 + Math.random() / 2)
    losses = Math.min(losses + 1, 10)
    again = setTimeout(() => {
      again = null
      connection().catch(comeBack)
    }, pauseMs)
  }

  async function stop(channel: string, receive: Receive): Promise<void> {
    const receivers = channels.get(channel)
    if (receivers === undefined || !receivers.delete(receive) || receivers.size > 0) return
    channels.delete(channel)
    if (current !== null) await say(current, `unlisten ${quoted(channel)}`).catch(() => {})
  }

  return {
    async listen(channel, receive) {
      if (closed) throw new DatabaseError('the database is closed', { code: 'closed' })
      const own: Receive = payload => receive(payload)
      const receivers = channels.get(channel) ?? new Set()
      channels.set(channel, receivers.add(own))
      try {
        const client = await connection()
        await say(client, `listen ${quoted(channel)}`)
      } catch (error) {
        await stop(channel, own)
        throw databaseErrorFrom(error)
      }
      return () => stop(channel, own)
    },
    async close() {
      closed = true
      channels.clear()
      if (again !== null) clearTimeout(again)
      const client = await connected?.catch(() => null)
      current = null
      // a peer that is gone would never answer the goodbye
      client?.end().catch(() => {})
    },
  }
}
