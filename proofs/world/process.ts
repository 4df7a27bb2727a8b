/**
 * A process of a simulated world: an engine of the product, whose database, gateway and clock are those of the world.
 * It can be killed at any point, frozen, and made anew.
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
  /** Something that it does by itself; its troubles are its own, unless they are bugs. */
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
  /** What it should never say: an error that no fault explains. */
  onBug(message: string): void
  engine: EngineOptions
}

/** What an engine may be given beside what the world gives it. */
export type EngineOptions = Pick<CheckoutOptions, 'listeners' | 'config' | 'numbers' | 'quote'>

/** So short that it runs out in the middle of things, now and then. */
export const leaseMs = 8_000
const gatewayTimeoutMs = 1_500
const secret = 'kept by every process of the simulated shop'

const troubles = {
  lost: ['connection_lost', 'the connection was lost before COMMIT'],
  unknown_undone: ['commit_unknown', 'the outcome of COMMIT cannot be known'],
  unknown_done: ['commit_unknown', 'the outcome of COMMIT cannot be known'],
  pool: ['pool_exhausted', 'every connection of the pool is in use'],
} as const

/** The database as this process reaches it: everything it asks for waits its turn. */
function reached(options: ProcessOptions): Database {
  const { database, scheduler, name } = options
  async function query<Row>(statement: Statement, values?: readonly Value[]): Promise<Row[]> {
    await scheduler.gate(name, `asks ${statement.name}`)
    return database.query<Row>(statement, values)
  }
  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    await scheduler.gate(name, 'begins')
    const fault = options.faults().onTransaction(name)
    const run = () => database.transaction(work)
    if (fault !== null) {
      if (fault === 'unknown_done') await run()
      const [code, message] = troubles[fault]
      throw new DatabaseError(message, { code })
    }
    const result = await run()
    await scheduler.gate(name, 'hears of its commit')
    return result
  }
  return {
    ...database,
    query,
    transaction,
    // Best effort in the product, and of no consequence for what becomes of a checkout.
    notify: async () => {},
    listen: async () => async () => {},
  }
}

/** What is said of a fault that was made is no bug; everything else that is an error is one. */
function bugLog(onBug: (message: string) => void): CheckoutLog {
  const known = /for too long|rollback stuck|outcome unknown|parked/
  return {
    info() {},
    warn(message, fields) {
      if (message.includes('broke')) onBug(`${message}: ${JSON.stringify(fields?.err)}`)
    },
    error(message, fields = {}) {
      // What a log is given was made safe to write: an error comes as what there is to read of it.
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
    at: (request, send) => life.at(request, send),
  })
  const life: KillableProcess = killableProcess(reached(options), gateway, options.diesAt)
  void life.died.then(() => scheduler.drop(name))
  const engine = await createCheckout({
    ...options.engine,
    database: life.database,
    gateways: { card: life.gateway },
    workers: false,
    migrate: false,
    log: bugLog(options.onBug),
    random: () => random.between(0, 1),
    clock: { after: (ms, run) => scheduler.after(name, ms, `waited ${ms}`, run) },
    config: { secret, ...options.engine.config },
    // Nobody is made to wait for what another process does: buyers ask again.
    numbers: { leaseMs, gatewayTimeoutMs, answerWithinMs: 0, ...options.engine.numbers },
  })
  return {
    name,
    engine,
    reached: life.reached,
    get isDead() {
      return life.isDead
    },
    died: life.died,
    kill() {
      life.kill()
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
