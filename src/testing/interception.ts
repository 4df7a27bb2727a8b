/**
 * A process that dies where a test says: its database and gateway stop answering for ever at a named point, as they do
 * for a killed process. What was committed or charged before that point stays, what was not is gone.
 */
import type { GatewayAnswer, OperationKind, PaymentGateway } from '../payments/gateway.ts'
import type { Clock } from '../saga/context.ts'
import type { Database, Statement, Transaction, Value } from '../store/database.ts'

/**
 * `before_commit:capturing`, `after_call:void` and the like. A commit is named by the state it brings a checkout to,
 * or `claim` where it only takes one over; a call by its kind: `after` means after its effect, before its answer.
 */
export type Point = `${'before' | 'after'}_${'commit' | 'call'}:${string}`

export interface Mortal {
  database: Database
  gateway: PaymentGateway
  /** Waits are cut short; a call is never given up, for it is answered or its process is dead. */
  clock: Clock
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

/** @param diesAt null: never; it only records what it passes. */
export function mortal(database: Database, gateway: PaymentGateway, diesAt: Point | null): Mortal {
  const reached: Point[] = []
  let dead = false
  let die = (): void => {}
  const died = new Promise<void>(resolve => {
    die = resolve
  })

  function pass(point: Point): void {
    if (dead) throw new Death(point)
    reached.push(point)
    if (point !== diesAt) return
    dead = true
    die()
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
    const passed = new Set<string>()
    const result = await database.transaction(async tx => {
      passed.clear()
      const own = await work(watched(tx, passed))
      for (const name of passed) pass(`before_commit:${name}`)
      return own
    })
    for (const name of passed) pass(`after_commit:${name}`)
    return result
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
    died,
    reached,
    database: {
      ...database,
      query: (statement, values) => alive(() => database.query(statement, values)),
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

/** Notes what a transaction does to checkouts: the states it brings them to, else that it took some over. */
function watched(tx: Transaction, passed: Set<string>): Transaction {
  const note = ({ text }: Statement, values: readonly Value[] = []) => {
    const written = values.filter(value => typeof value === 'string').join(' ')
    const state = [...written.matchAll(/"to_state":"(\w+)"/g)].at(-1)?.[1]
    if (state !== undefined) {
      passed.delete('claim')
      passed.add(state)
    } else if (/update\s+holdfast\.checkouts/.test(text) && passed.size === 0) passed.add('claim')
  }
  return {
    query(statement, values) {
      note(statement, values)
      return tx.query(statement, values)
    },
    send(statement, values) {
      note(statement, values)
      tx.send(statement, values)
    },
  }
}
