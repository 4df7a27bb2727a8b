/**
 * A simulated world: one real PostgreSQL database with a clock that the scheduler controls, a payment provider, a
 * network between them, and processes that start and die.
 */
import { setMaxListeners } from 'node:events'
import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'
import { type Acknowledged, audit } from '../../packages/holdfast/src/observe/audit/audit.ts'
import { type Carts, createCarts } from '../../packages/holdfast/src/shop/carts/carts.ts'
import type { CrashPoint } from '../../packages/testing/src/crash-points.ts'
import { createTestDatabase, dropTestDatabase } from '../../packages/testing/src/postgres/test-postgres.ts'
import { createRandom, type Random } from '../random.ts'
import { epochMs, installClock, setTime } from './clock.ts'
import { type Faults, noFaults } from './faults.ts'
import { type EngineOptions, type Process, startProcess } from './process.ts'
import type { Provider, ProviderName } from './provider.ts'
import { sandboxProvider } from './sandbox-provider.ts'
import { createScheduler, inOrder, type Policy, type Scheduler } from './scheduler.ts'
import { openShop, resetShop } from './shop.ts'
import { stripeProvider } from './stripe-provider.ts'

export interface World {
  readonly scheduler: Scheduler
  readonly database: Database
  readonly carts: Carts
  /** The payment provider of the current run. */
  readonly provider: Provider
  readonly processes: readonly Process[]
  /** Errors that no injected fault explains. */
  readonly bugs: readonly string[]
  /** The labels of all tasks that ran, in order. */
  readonly trace: string[]
  faults: Faults
  /** Receives the webhooks of the provider. After `begin` they are lost. */
  onWebhook(headers: Headers, body: string): void
  /** Resets the world. Default provider: the sandbox. */
  begin(seed: number, provider?: ProviderName): Promise<Random>
  spawn(options?: EngineOptions & { diesAt?: CrashPoint | null }): Promise<Process>
  /** Runs tasks until `isOver` or nothing is left. Returns false after `stepsMax` steps. */
  run(policy: Policy, isOver: () => boolean, stepsMax: number): Promise<boolean>
  /** Runs tasks in order until `work` is done, and returns its result. */
  finish<Result>(work: Promise<Result>, unless?: Promise<unknown>): Promise<Result | undefined>
  /**
   * Lets `by` recover and deliver until nothing is due within `withinMs` (default: ever). Returns false if one of them
   * died or the work does not end.
   */
  drain(by: readonly Process[], withinMs?: number): Promise<boolean>
  /** The findings of the audit and of the provider. */
  violations(options?: { drained?: boolean; acknowledged?: readonly Acknowledged[] }): Promise<string[]>
  close(): Promise<void>
}

/** The next due times, in milliseconds since 1970: of checkouts and webhooks, and of deliveries. */
const nextDue = statement(
  'sim_next_due',
  `select extract(epoch from least(
       (select min(wake_at) from holdfast.checkouts),
       (select min(now() + interval '1 second') from holdfast.webhooks where handled_at is null and checkout_id is not null)
     ))::double precision * 1000 as recover,
     extract(epoch from (select min(next_at) from holdfast.deliveries where state = 'due'))::double precision * 1000 as deliver`,
)

interface Due {
  recover: number | null
  deliver: number | null
}

const drainRoundsMax = 400
const drainStepsMax = 4_000

/** @param adminUrl the URL of a server, as superuser; the world creates a database there. */
export async function openWorld(adminUrl: string): Promise<World> {
  const url = await createTestDatabase(adminUrl)
  await installClock(url)
  const store = await connectPostgres({ url, poolMax: 2 })
  const ledger = await connectPostgres({ url, poolMax: 1 })
  await openShop(store)
  const scheduler = createScheduler(epochMs)
  let setMs = epochMs

  /** A connection whose statements run as real work of the scheduler, at simulated time. */
  function atWorldTime(connection: Database): Database {
    async function run<T>(work: () => Promise<T>): Promise<T> {
      return scheduler.busy(async () => {
        if (setMs !== scheduler.nowMs) {
          setMs = scheduler.nowMs
          await setTime(store, setMs)
        }
        return work()
      })
    }
    return {
      ...connection,
      query: (statement, values) => run(() => connection.query(statement, values)),
      transaction: work => run(() => connection.transaction(work)),
    }
  }
  const database = atWorldTime(store)
  const onWebhook = (headers: Headers, body: string) => world.onWebhook(headers, body)
  const providers: Readonly<Record<ProviderName, Provider>> = {
    sandbox: sandboxProvider({ ledger: atWorldTime(ledger), scheduler, onWebhook, end: () => end.signal }),
    stripe: stripeProvider({ database, scheduler, onWebhook }),
  }
  let provider = providers.sandbox
  let processes: Process[] = []
  let bugs: string[] = []
  let trace: string[] = []
  let random = createRandom(0)
  let end = new AbortController()
  let spawned = 0

  async function run(policy: Policy, isOver: () => boolean, stepsMax: number): Promise<boolean> {
    for (let steps = 0; steps < stepsMax; steps += 1) {
      await scheduler.quiet()
      if (isOver()) return true
      const happened = await scheduler.step(policy)
      if (happened === null) return true
      trace.push(happened)
    }
    return false
  }

  async function finish<Result>(work: Promise<Result>, unless?: Promise<unknown>): Promise<Result | undefined> {
    let isDone = false
    let result: Result | undefined
    const done = work.then(
      value => {
        isDone = true
        result = value
      },
      () => {
        isDone = true
      },
    )
    void unless?.then(() => {
      isDone = true
    })
    await run(inOrder, () => isDone, drainStepsMax)
    if (!isDone) return undefined
    await Promise.race([done, unless ?? done])
    return result
  }

  async function drain(by: readonly Process[], withinMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const endMs = scheduler.nowMs + withinMs
    const isDead = () => by.some(process => process.isDead)
    const death = Promise.race(by.map(process => process.died))
    for (let round = 0; round < drainRoundsMax; round += 1) {
      // First, work in progress runs to its end.
      const isQuiet = await run(inOrder, isDead, drainStepsMax)
      const process = by[round % by.length]
      if (!isQuiet || isDead() || process === undefined) return false
      const [due] = await database.query<Due>(nextDue)
      const work = await provider.dueAtMs()
      const at = Math.ceil(
        Math.min(...[work, due?.recover, due?.deliver].map(time => time ?? Number.POSITIVE_INFINITY)),
      )
      if (due === undefined || at > endMs || at === Number.POSITIVE_INFINITY) return true
      scheduler.passTo(at)
      const isDue = (time: number | null) => time !== null && time <= scheduler.nowMs
      if (isDue(work)) await finish(provider.runDueJobs(), death)
      if (isDue(due.recover)) {
        await finish(
          process.run(engine => engine.recover()),
          death,
        )
      }
      if (isDue(due.deliver)) {
        await finish(
          process.run(engine => engine.deliverer.runOnce()),
          death,
        )
      }
    }
    return false
  }

  const world: World = {
    scheduler,
    database,
    carts: createCarts(database, { currency: 'USD' }),
    get provider() {
      return provider
    },
    get processes() {
      return processes
    },
    get bugs() {
      return bugs
    },
    get trace() {
      return trace
    },
    faults: noFaults,
    onWebhook() {},
    async begin(seed, name = 'sandbox') {
      for (const process of processes) process.kill()
      end.abort()
      end = new AbortController()
      setMaxListeners(0, end.signal)
      await scheduler.quiet()
      scheduler.clear()
      processes = []
      bugs = []
      trace = []
      spawned = 0
      random = createRandom(seed)
      provider = providers[name]
      provider.begin()
      world.faults = noFaults
      world.onWebhook = () => {}
      await resetShop(database)
      return random
    },
    async spawn({ diesAt = null, ...engine } = {}) {
      spawned += 1
      const process = await startProcess({
        name: `process ${spawned}`,
        scheduler,
        database,
        provider,
        random,
        faults: () => world.faults,
        diesAt,
        onBug: message => bugs.push(message),
        engine,
      })
      processes.push(process)
      return process
    },
    run,
    finish,
    drain,
    async violations({ drained = false, acknowledged = [] } = {}) {
      const ledger = provider.name === 'sandbox' ? { ledger: provider.name } : {}
      const { findings } = await audit(database, { ...ledger, drained, acknowledged })
      const found = findings.filter(({ violations }) => violations > 0)
      const findingsText = found.map(({ invariant, examples }) => `${invariant}: ${examples.join('; ')}`)
      return [...findingsText, ...(await provider.violations(drained))]
    },
    async close() {
      await world.begin(0)
      await Promise.all(Object.values(providers).map(each => each.close()))
      await Promise.all([ledger.close(), store.close()])
      await dropTestDatabase(adminUrl, url)
    },
  }
  return world
}
