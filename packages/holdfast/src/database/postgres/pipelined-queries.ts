/** Queries outside transactions. Queries that are made without awaiting share one connection, so they are pipelined in order. */
import type { Queryable, Statement, Value } from '../database.ts'
import { databaseErrorFrom } from '../driver-errors.ts'
import { checkName } from '../statement-names.ts'
import { type Connection, isBroken } from './transaction.ts'

interface Burst {
  readonly connection: Promise<Connection>
  /** Queries that have not ended; the last one releases the connection. */
  members: number
  broken: boolean
}

export function pipelinedQueries(connect: () => Promise<Connection>): Queryable['query'] {
  let current: Burst | null = null

  function joinBurst(): Burst {
    if (current === null) {
      current = { connection: connect(), members: 0, broken: false }
      queueMicrotask(() => {
        current = null
      })
    }
    current.members += 1
    return current
  }

  return async function query<Row>(statement: Statement, values: readonly Value[] = []): Promise<Row[]> {
    checkName(statement)
    const burst = joinBurst()
    const { client, release } = await burst.connection
    try {
      const answer = await client.query({ name: statement.name, text: statement.text, values: [...values] })
      return answer.rows as Row[]
    } catch (thrown) {
      const error = databaseErrorFrom(thrown)
      burst.broken ||= isBroken(error)
      throw error
    } finally {
      burst.members -= 1
      if (burst.members === 0) release(burst.broken)
    }
  }
}
