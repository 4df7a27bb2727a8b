/**
 * One connection of its own, outside of the pool, for whoever must know at once whether the server answers, however busy
 * the pool is. It opens with the first question and stays; one that does not answer in time is dropped.
 */
import type { Duplex } from 'node:stream'
import type pg from 'pg'
import { answerInTime } from './answer-in-time.ts'
import { probeMs, type Statement, type Value } from './database.ts'
import { isBroken } from './postgres-transaction.ts'
import { refusal } from './refusals.ts'

export interface Probe {
  query<Row>(statement: Statement, values: readonly Value[]): Promise<Row[]>
  close(): void
}

interface Line {
  client: pg.Client
  /** Settles when it is connected and the questions before were answered. */
  free: Promise<unknown>
}

/** `newClient` gives a client that is not connected yet. */
export function postgresProbe(newClient: () => pg.Client): Probe {
  let current: Line | null = null

  function open(): Line {
    const client = newClient()
    const line: Line = { client, free: client.connect() }
    client.on('error', () => drop(line))
    client.once('end', () => drop(line))
    current = line
    return line
  }

  function drop(line: Line): void {
    if (current === line) current = null
    // A peer that is gone would never answer a goodbye.
    const { stream } = (line.client as unknown as { connection: { stream: Duplex } }).connection
    stream.destroy()
  }

  /** One question at a time, in the order in which they came. */
  async function ask<Row>(line: Line, { name, text }: Statement, values: readonly Value[]) {
    const answer = line.free.then(() => line.client.query({ name, text, values: [...values] }))
    // One that is refused does not stop those behind it; they fail by themselves where the connection is gone.
    line.free = answer.catch(error => {
      if (isBroken(refusal(error))) throw error
    })
    line.free.catch(() => {})
    return (await answer).rows as Row[]
  }

  return {
    async query<Row>(statement: Statement, values: readonly Value[]) {
      const line = current ?? open()
      try {
        return await answerInTime(ask<Row>(line, statement, values), probeMs, () => drop(line))
      } catch (thrown) {
        const error = refusal(thrown)
        if (isBroken(error) || error.code === tooManyConnections) drop(line)
        throw error
      }
    },
    close() {
      if (current !== null) drop(current)
    },
  }
}

/** The server has no connection left to give. */
export const tooManyConnections = '53300'
