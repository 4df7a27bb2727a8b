/**
 * Crash points: a process that dies where a test says. Its database and gateway stop answering for ever at a named
 * point, as they do for a killed process. What was committed or charged before that point stays, what was not is gone.
 *
 * The points are passed at the ports, so they cost production nothing: it is given the ports themselves.
 */

import type { Clock, GatewayAnswer, OperationKind, PaymentGateway } from 'holdfast'
import type { Database, Statement, Transaction, Value } from 'holdfast/database'

/**
 * `before_commit:capturing`, `after_call:void` and the like; a point that is passed again is told apart by a number:
 * `before_commit:claim#2`.
 *
 * A commit is named by the states it brings checkouts to, else by what it does: `claim` takes some over, `intend` writes
 * an intent to refund, `record` what came of it, and whatever is no step of a checkout has the name of its statement. A
 * call is named by its kind: `after` means after its effect, before its answer. A write is a statement that commits by
 * itself. A request is one that a gateway makes for a call, where it makes several.
 */
export type Point = `${'before' | 'after'}_${'commit' | 'call' | 'request' | 'write'}:${string}`

export interface Mortal {
  database: Database
  gateway: PaymentGateway
  /** Waits are cut short; a call is never given up, for it is answered or its process is dead. */
  clock: Clock
  /** Passes two points around a request of the gateway's own. */
  at<T>(request: string, send: () => Promise<T>): Promise<T>
  /** Dies now, wherever it stands. */
  kill(): void
  readonly isDead: boolean
  /** Settles when it has died. */
  died: Promise<void>
  /** Every point it passed, in order, the one of its death included. */
  reached: Point[]
}

class Death extends Error {}

const forever = () => new Promise<never>(() => {})

/** Never ends a wait by itself but the short ones between two questions. */
export const patientClock: Clock = {
  after(ms, run) {
    const timer = ms <= 150 ? setImmediate(run) : null
    return () => {
      if (timer !== null) clearImmediate(timer)
    }
  },
}

/** @param diesAt null: at none; it only records what it passes. */
export function mortal(database: Database, gateway: PaymentGateway, diesAt: Point | null): Mortal {
  const reached: Point[] = []
  const passes = new Map<string, number>()
  let dead = false
  let tell = (): void => {}
  const died = new Promise<void>(resolve => {
    tell = resolve
  })

  function kill(): void {
    dead = true
    tell()
  }

  function pass(place: Point): void {
    if (dead) throw new Death(place)
    const times = (passes.get(place) ?? 0) + 1
    passes.set(place, times)
    const point: Point = times === 1 ? place : `${place}#${times}`
    reached.push(point)
    if (point !== diesAt) return
    kill()
    throw new Death(point)
  }

  async function alive<T>(work: () => Promise<T>): Promise<T> {
    if (dead) return forever()
    try {
      const result = await work()
      return dead ? forever() : result
    } catch (error) {
      if (dead) return forever()
      throw error
    }
  }

  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    let name: string | null = null
    const result = await database.transaction(async tx => {
      const writes: Write[] = []
      const own = await work(watched(tx, noting(writes)))
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
      alive(async () => {
        pass(`before_call:${kind}`)
        const answer = await run(request)
        pass(`after_call:${kind}`)
        return answer
      })

  return {
    clock: patientClock,
    at: (request, send) =>
      alive(async () => {
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
      query: (statement, values) => alive(() => query(statement, values)),
      transaction: work => alive(() => transaction(work)),
      notify: (channel, payload) => alive(() => database.notify(channel, payload)),
    },
    gateway: {
      ...gateway,
      authorize: call('authorize', request => gateway.authorize(request)),
      capture: call('capture', request => gateway.capture(request)),
      void: call('void', request => gateway.void(request)),
      refund: call('refund', request => gateway.refund(request)),
      lookup: request => alive(() => gateway.lookup(request)),
    },
  }
}

interface Write {
  statement: string
  /** The states it records that checkouts came to rest in. */
  states: string[]
}

/** The table that a statement changes, null where it only reads. */
const writesTo = ({ text }: Statement): string | null =>
  /\b(?:insert\s+into|update|delete\s+from)\s+(\w+\.\w+)/i.exec(text)?.[1] ?? null

/** The writes among the statements of a transaction. */
function noting(writes: Write[]): (statement: Statement, values: readonly Value[]) => void {
  return (statement, values) => {
    if (writesTo(statement) === null) return
    const states =
      statement.name === 'insert_transitions' ? restingStates(JSON.parse(String(values[0])) as TransitionRow[]) : []
    writes.push({ statement: statement.name, states })
  }
}

/** A transaction that tells `note` every statement before it is sent. */
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

/** The last state of each checkout, each state once. */
function restingStates(rows: readonly TransitionRow[]): string[] {
  return [...new Set(new Map(rows.map(row => [row.checkout_id, row.to_state])).values())]
}

function nameOf(writes: readonly Write[]): string | null {
  const states = new Set(writes.flatMap(write => write.states))
  if (states.size > 0) return [...states].sort().join('+')
  const statements = new Set(writes.map(write => write.statement))
  if (statements.has('insert_operations')) return 'intend'
  if (statements.has('settle_operations')) return 'record'
  if (statements.has('update_checkouts')) return 'claim'
  return writes[0]?.statement ?? null
}
