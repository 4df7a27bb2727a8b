/**
 * Connections outside the pool for probes, which must show quickly whether the server answers, even if the pool is busy.
 * One opens at the first probe and stays open. A probe does not wait for a slow one, which may be blocked by a lock on
 * its table: it gets a temporary connection. A connection that does not answer in time is dropped.
 */
import type { Duplex } from 'node:stream'
import type pg from 'pg'
import { probeMs, type Statement, type Value } from '../database.ts'
import { databaseErrorFrom } from '../driver-errors.ts'
import { answerInTime, noAnswer } from '../query-timeout.ts'
import { isBroken } from './transaction.ts'

export interface Probe {
  query<Row>(statement: Statement, values: readonly Value[]): Promise<Row[]>
  close(): void
}

interface Line {
  client: pg.Client
  /** Settles when it is connected. */
  connected: Promise<unknown>
  isBusy: boolean
}

/** Health, readiness, and metrics each send one probe at a time. */
const linesMax = 3
/** How long a probe waits for a free connection before it opens another. */
const waitMs = 200

/** `newClient` returns a client that is not connected yet. */
export function postgresProbe(newClient: () => pg.Client): Probe {
  const lines = new Set<Line>()
  const waiting: (() => void)[] = []

  function open(): Line {
    const client = newClient()
    const line: Line = { client, connected: client.connect(), isBusy: false }
    line.connected.catch(() => {})
    client.on('error', () => drop(line))
    client.once('end', () => drop(line))
    lines.add(line)
    return line
  }

  function drop(line: Line): void {
    lines.delete(line)
    // A peer that is gone would never answer an orderly end.
    const { stream } = (line.client as unknown as { connection: { stream: Duplex } }).connection
    stream.destroy()
  }

  /** Resolves when a line may be free, or after `ms` milliseconds. */
  function lineFreed(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  async function take(): Promise<Line> {
    const askedAt = performance.now()
    for (;;) {
      const waitedMs = performance.now() - askedAt
      let line = [...lines].find(({ isBusy }) => !isBusy)
      if (lines.size === 0 || (waitedMs >= waitMs && lines.size < linesMax)) line ??= open()
      if (line !== undefined) {
        line.isBusy = true
        return line
      }
      await lineFreed(waitedMs < waitMs ? waitMs - waitedMs : probeMs)
    }
  }

  function giveBack(line: Line): void {
    line.isBusy = false
    if ([...lines].some(other => other !== line && !other.isBusy)) drop(line)
    for (const wake of waiting.splice(0)) wake()
  }

  return {
    async query<Row>({ name, text }: Statement, values: readonly Value[]) {
      let line: Line | undefined
      let isLate = false
      async function ask(): Promise<Row[]> {
        line = await take()
        try {
          if (isLate) return []
          await line.connected
          return (await line.client.query({ name, text, values: [...values] })).rows as Row[]
        } finally {
          giveBack(line)
        }
      }
      try {
        return await answerInTime(ask(), probeMs, () => {
          isLate = true
          if (line !== undefined) drop(line)
        })
      } catch (thrown) {
        const error = databaseErrorFrom(thrown)
        if (line !== undefined && (isBroken(error) || error.code === tooManyConnections)) drop(line)
        // The server cancels the statement after the same time; either of the two may arrive first.
        throw error.code === queryCanceled ? noAnswer() : error
      }
    },
    close() {
      for (const line of lines) drop(line)
    },
  }
}

/** SQLSTATE: the server has no free connection. */
export const tooManyConnections = '53300'

/** SQLSTATE: the server cancelled a statement that took too long. */
const queryCanceled = '57014'
