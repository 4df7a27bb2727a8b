/**
 * A process of a simulated world: a real engine with the database, gateway, and clock of the world. A process can be
 * killed at any point and frozen.
 */

import {
  type Database,
  DatabaseError,
  type Statement,
  type Transaction,
  type Value,
} from '../../packages/holdfast/src/database/database.ts'
import type { CheckoutEngine } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import { type CheckoutOptions, createCheckout } from '../../packages/holdfast/src/engine/create-checkout.ts'
import type { CheckoutLog } from '../../packages/holdfast/src/observe/log/log.ts'
import { type CrashPoint, type KillableProcess, killableProcess } from '../../packages/testing/src/crash-points.ts'
import type { Random } from '../random.ts'
import type { Faults } from './faults.ts'
import type { Provider } from './provider.ts'
import type { Scheduler } from './scheduler.ts'

export interface Process {
  readonly name: string
  readonly engine: CheckoutEngine
  readonly reached: readonly CrashPoint[]
  readonly isDead: boolean
  readonly died: Promise<void>
  kill(): void
  /** Runs background work. Expected errors are ignored, others are reported as bugs. */
  run(work: (engine: CheckoutEngine) => Promise<unknown>): Promise<void>
}

export interface ProcessOptions {
  name: string
  scheduler: Scheduler
  database: Database
  provider: Provider
  random: Random
  faults(): Faults
  diesAt: CrashPoint | null
  /** Receives each error that no injected fault explains. */
  onBug(message: string): void
  engine: EngineOptions
}

/** Options of the engine that the world does not set. */
export type EngineOptions = Pick<CheckoutOptions, 'listeners' | 'config' | 'numbers' | 'quote'>

/** Short enough to expire during work now and then. */
export const leaseMs = 8_000
const gatewayTimeoutMs = 1_500
const secret = 'shared by every process of the simulated shop'

const faultErrors = {
  lost: ['connection_lost', 'the connection was lost before COMMIT'],
  unknown_undone: ['commit_unknown', 'the outcome of COMMIT cannot be known'],
  unknown_done: ['commit_unknown', 'the outcome of COMMIT cannot be known'],
  pool: ['pool_exhausted', 'every connection of the pool is in use'],
} as const

/** The database for one process: each statement and transaction waits for the scheduler. */
function scheduledDatabase(options: ProcessOptions): Database {
  const { database, scheduler, name } = options
  async function query<Row>(statement: Statement, values?: readonly Value[]): Promise<Row[]> {
    await scheduler.gate(name, `queries ${statement.name}`)
    return database.query<Row>(statement, values)
  }
  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    await scheduler.gate(name, 'begins')
    const fault = options.faults().onTransaction(name)
    const run = () => database.transaction(work)
    if (fault !== null) {
      if (fault === 'unknown_done') await run()
      const [code, message] = faultErrors[fault]
      throw new DatabaseError(message, { code })
    }
    const result = await run()
    await scheduler.gate(name, 'receives its commit')
    return result
  }
  return {
    ...database,
    query,
    transaction,
    // Notifications are best effort and never change the result of a checkout.
    notify: async () => {},
    listen: async () => async () => {},
  }
}

/** A log that reports each error as a bug, unless an injected fault explains it. */
function bugLog(onBug: (message: string) => void): CheckoutLog {
  const known = /for too long|rollback stuck|outcome unknown|parked/
  return {
    info() {},
    warn() {},
    error(message, fields = {}) {
      // The log receives errors as plain fields.
      const { name, code } = (fields.err ?? {}) as { name?: string; code?: string }
      if (name === 'DatabaseError' && code !== undefined && code in expectedCodes) return
      if (!known.test(message)) onBug(`${message}: ${JSON.stringify(fields)}`)
    },
  }
}
export const expectedCodes: Readonly<Record<string, true>> = {
  connection_lost: true,
  commit_unknown: true,
  pool_exhausted: true,
}

export async function startProcess(options: ProcessOptions): Promise<Process> {
  const { name, scheduler, random } = options
  const gateway = options.provider.reach({
    owner: name,
    faults: options.faults,
    at: (request, send) => killable.at(request, send),
  })
  const killable: KillableProcess = killableProcess(scheduledDatabase(options), gateway, options.diesAt)
  void killable.died.then(() => scheduler.drop(name))
  const engine = await createCheckout({
    ...options.engine,
    database: killable.database,
    gateways: { card: killable.gateway },
    workers: false,
    migrate: false,
    log: bugLog(options.onBug),
    random: () => random.between(0, 1),
    clock: { after: (ms, run) => scheduler.after(name, ms, `waited ${ms}`, run) },
    config: { secret, ...options.engine.config },
    // A call never waits for the work of another process; buyers retry.
    numbers: { leaseMs, gatewayTimeoutMs, answerWithinMs: 0, ...options.engine.numbers },
  })
  return {
    name,
    engine,
    reached: killable.reached,
    get isDead() {
      return killable.isDead
    },
    died: killable.died,
    kill() {
      killable.kill()
      scheduler.drop(name)
    },
    async run(work) {
      try {
        await work(engine)
      } catch (error) {
        if (error instanceof DatabaseError && error.code in expectedCodes) return
        options.onBug(`${name}: ${error instanceof Error ? error.stack : String(error)}`)
      }
    },
  }
}
