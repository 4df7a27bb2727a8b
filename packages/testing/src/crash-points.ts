/**
 * Crash points: a simulated process that dies at a named point. From that point on its database and gateway never
 * answer, as for a killed process: earlier commits and charges stay, everything else is lost. The points are in
 * wrappers around the ports, so production code has none.
 */

import type { Clock, GatewayAnswer, OperationKind, PaymentGateway } from 'holdfast'
import type { Database, Statement, Transaction, Value } from 'holdfast/database'

/**
 * A place at which a process can die, such as `before_commit:capturing` or `after_call:void`. A number counts repeated
 * passes: `before_commit:lease#2`.
 *
 * - A commit is named by the states that it moves checkouts to. Without any: `lease` takes over checkouts, `intend`
 *   writes the intent to refund, `record` stores the result of a refund; other commits have the name of their statement.
 * - A call is named by its kind. `after` means after its effect and before its answer.
 * - A write is a statement that commits by itself, without a transaction.
 * - A request is one of several HTTP requests that a gateway sends for one call.
 */
export type CrashPoint = `${'before' | 'after'}_${'commit' | 'call' | 'request' | 'write'}:${string}`

export interface KillableProcess {
  database: Database
  gateway: PaymentGateway
  /** Fires short timers at once and long ones never: a call is answered, or its process is dead. */
  clock: Clock
  /** Adds a crash point before and after a request that the gateway sends. */
  at<T>(request: string, send: () => Promise<T>): Promise<T>
  /** Dies now. */
  kill(): void
  readonly isDead: boolean
  /** Resolves when the process has died. */
  died: Promise<void>
  /** All points that were passed, in order, including the last one. */
  reached: CrashPoint[]
}

class ProcessDied extends Error {}

const never = () => new Promise<never>(() => {})

/** Fires at once the short timers, such as the pause between two polls, and never the timeouts. */
const clock: Clock = {
  after(ms, run) {
    const timer = ms <= 150 ? setImmediate(run) : null
    return () => {
      if (timer !== null) clearImmediate(timer)
    }
  },
}

/**
 * Wraps the ports of a process so that it can be killed.
 *
 * @param crashAt the point at which the process dies; null only records the points that it passes.
 */
export function killableProcess(
  database: Database,
  gateway: PaymentGateway,
  crashAt: CrashPoint | null,
): KillableProcess {
  const reached: CrashPoint[] = []
  const passes = new Map<string, number>()
  let dead = false
  let reportDeath = (): void => {}
  const died = new Promise<void>(resolve => {
    reportDeath = resolve
  })

  function kill(): void {
    dead = true
    reportDeath()
  }

  function pass(name: CrashPoint): void {
    if (dead) throw new ProcessDied(name)
    const times = (passes.get(name) ?? 0) + 1
    passes.set(name, times)
    const point: CrashPoint = times === 1 ? name : `${name}#${times}`
    reached.push(point)
    if (point !== crashAt) return
    kill()
    throw new ProcessDied(point)
  }

  async function whileAlive<T>(work: () => Promise<T>): Promise<T> {
    if (dead) return never()
    try {
      const result = await work()
      return dead ? never() : result
    } catch (error) {
      if (dead) return never()
      throw error
    }
  }

  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    let name: string | null = null
    const result = await database.transaction(async tx => {
      const writes: Write[] = []
      const own = await work(watched(tx, collector(writes)))
      name = nameOf(writes)
      if (name !== null) pass(`before_commit:${name}`)
      return own
    })
    if (name !== null) pass(`after_commit:${name}`)
    return result
  }

  async function query<Row>(statement: Statement, values?: readonly Value[]): Promise<Row[]> {
    const isWrite = writesTo(statement) !== null
    if (isWrite) pass(`before_write:${statement.name}`)
    const rows = await database.query<Row>(statement, values)
    if (isWrite) pass(`after_write:${statement.name}`)
    return rows
  }

  const call =
    <Request>(kind: OperationKind, run: (request: Request) => Promise<GatewayAnswer>) =>
    (request: Request) =>
      whileAlive(async () => {
        pass(`before_call:${kind}`)
        const answer = await run(request)
        pass(`after_call:${kind}`)
        return answer
      })

  return {
    clock,
    at: (request, send) =>
      whileAlive(async () => {
        pass(`before_request:${request}`)
        const result = await send()
        pass(`after_request:${request}`)
        return result
      }),
    kill,
    get isDead() {
      return dead
    },
    died,
    reached,
    database: {
      ...database,
      query: (statement, values) => whileAlive(() => query(statement, values)),
      transaction: work => whileAlive(() => transaction(work)),
      notify: (channel, payload) => whileAlive(() => database.notify(channel, payload)),
    },
    gateway: {
      ...gateway,
      authorize: call('authorize', request => gateway.authorize(request)),
      capture: call('capture', request => gateway.capture(request)),
      void: call('void', request => gateway.void(request)),
      refund: call('refund', request => gateway.refund(request)),
      lookup: request => whileAlive(() => gateway.lookup(request)),
    },
  }
}

interface Write {
  statement: string
  /** The last state of each checkout that the write moves. */
  states: string[]
}

/** The table that a statement changes; null if the statement only reads. */
const writesTo = ({ text }: Statement): string | null =>
  /\b(?:insert\s+into|update|delete\s+from)\s+(\w+\.\w+)/i.exec(text)?.[1] ?? null

/** Collects the writes of a transaction. */
function collector(writes: Write[]): (statement: Statement, values: readonly Value[]) => void {
  return (statement, values) => {
    if (writesTo(statement) === null) return
    const states =
      statement.name === 'insert_transitions' ? lastStates(JSON.parse(String(values[0])) as TransitionRow[]) : []
    writes.push({ statement: statement.name, states })
  }
}

/** A transaction that passes each statement to `note` before it is sent. */
export function watched(tx: Transaction, note: (statement: Statement, values: readonly Value[]) => void): Transaction {
  return {
    query(statement, values = []) {
      note(statement, values)
      return tx.query(statement, values)
    },
    send(statement, values = []) {
      note(statement, values)
      tx.send(statement, values)
    },
  }
}

interface TransitionRow {
  checkout_id: string
  to_state: string
}

/** The last state of each checkout, without duplicates. */
function lastStates(rows: readonly TransitionRow[]): string[] {
  return [...new Set(new Map(rows.map(row => [row.checkout_id, row.to_state])).values())]
}

function nameOf(writes: readonly Write[]): string | null {
  const states = new Set(writes.flatMap(write => write.states))
  if (states.size > 0) return [...states].sort().join('+')
  const statements = new Set(writes.map(write => write.statement))
  if (statements.has('insert_operations')) return 'intend'
  if (statements.has('settle_operations')) return 'record'
  if (statements.has('update_checkouts')) return 'lease'
  return writes[0]?.statement ?? null
}
