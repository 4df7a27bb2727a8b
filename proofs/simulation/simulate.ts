/**
 * One simulated run: a few processes and shoppers, random faults, and a schedule that the seed determines. Then the
 * faults end, everything drains, and the audit runs. The audit also runs once in the middle.
 */
import { createHash } from 'node:crypto'
import { address } from '../crash/scenario-run.ts'
import type { Random } from '../random.ts'
import type { Process } from '../world/process.ts'
import type { ProviderName } from '../world/provider.ts'
import type { Policy, Task } from '../world/scheduler.ts'
import { articles, coupon } from '../world/shop.ts'
import type { World } from '../world/world.ts'
import { createAnswerRecords } from './answer-records.ts'
import { createChaos } from './chaos.ts'

import { goShopping } from './shopper.ts'

export interface Simulated {
  seed: number
  steps: number
  checkouts: number
  fired: Readonly<Record<string, number>>
  violations: string[]
  isConverged: boolean
  /** A hash of the order of events, without the times between them. */
  schedule: string
}

export interface SimulateOptions {
  /** Ends the faults after this many steps. Default: determined by the seed. */
  stepsMax?: number
  /** The payment provider. Default: the sandbox. */
  provider?: ProviderName
}

/** A weighted random policy: some processes of a run are slow, and time passes faster or slower. */
function drawPolicy(random: Random): Policy {
  const hurry = random.between(0.01, 0.15)
  const speed = new Map<string | null, number>()
  function weight({ owner }: Task): number {
    const known = speed.get(owner)
    if (known !== undefined) return known
    const drawn = random.pick([0.15, 1, 1, 3])
    speed.set(owner, drawn)
    return drawn
  }
  return (ready, timer) => {
    if (timer !== null && (ready.length === 0 || random.between(0, 1) < hurry)) return 'time'
    if (ready.length === 0) return null
    let left = random.between(0, 1) * ready.reduce((sum, task) => sum + weight(task), 0)
    for (const task of ready) {
      left -= weight(task)
      if (left < 0) return task
    }
    return ready[0] ?? null
  }
}

export async function simulate(world: World, seed: number, options: SimulateOptions = {}): Promise<Simulated> {
  const { provider = 'sandbox' } = options
  const random = await world.begin(seed, provider)
  const { scheduler } = world
  const chaos = createChaos(random, provider)
  world.faults = chaos
  const records = createAnswerRecords()
  const steps = Math.min(options.stepsMax ?? Number.POSITIVE_INFINITY, 80 + random.below(160))
  const violations: string[] = []
  let isHealed = false

  const engine = {
    config: {
      holdOn: random.pick(['process', 'process', 'start'] as const),
      preventConcurrent: random.below(4) > 0,
    },
    listeners: {
      CheckoutCompleted: [
        {
          name: 'ships',
          run({ lock }: { lock: { id: string } }) {
            if (!isHealed && chaos.onListener()) throw new Error('the warehouse is unreachable')
            records.delivered(lock.id)
          },
        },
      ],
      CheckoutFailed: [
        {
          name: 'notifies',
          run() {
            if (!isHealed && chaos.onListener()) throw new Error('the mail server is unreachable')
          },
        },
      ],
    },
  }

  /** Schedules background work of a process, until it dies or the faults end. */
  function tick(process: Process): void {
    const work = random.pick(['recover', 'deliver'] as const)
    scheduler.after(process.name, random.between(2_000, 20_000), work, () => {
      if (isHealed) return
      void process
        .run(each => (work === 'recover' ? each.recover() : each.deliverer.runOnce()))
        .then(() => {
          if (!process.isDead && !isHealed) tick(process)
        })
    })
  }

  async function spawn(): Promise<void> {
    const process = await world.spawn(engine)
    tick(process)
    tick(process)
  }

  function ledgerTicks(): void {
    scheduler.after(null, random.between(3_000, 25_000), 'the gateway works', () => {
      if (isHealed) return
      void world.provider.runDueJobs().then(() => ledgerTicks())
    })
  }

  const alive = () => world.processes.filter(process => !process.isDead)

  function receive(headers: Headers, body: string, isForged: boolean): void {
    const to = alive()
    if (to.length === 0) return
    const process = random.pick(to)
    scheduler.add({
      owner: null,
      label: 'a webhook arrives',
      run: () =>
        void process.run(async each => {
          const isAccepted = await each.receiveWebhook(world.provider.name, headers, body)
          if (isAccepted && isForged) violations.push('webhook: a forged webhook was accepted')
        }),
    })
  }
  world.onWebhook = (headers, body) => {
    const fault = isHealed ? null : chaos.onWebhook()
    if (fault === 'lost') return
    if (fault === 'forged')
      return receive(headers, body.replace(/"status":"\w+"/, '"status":"captured"').concat(' '), true)
    if (fault === 'late') {
      scheduler.after(null, random.between(10_000, 200_000), 'a late webhook', () => receive(headers, body, false))
      return
    }
    receive(headers, body, false)
    if (fault === 'twice') receive(headers, body, false)
  }

  const processes = 2 + random.below(2)
  for (let number = 0; number < processes; number += 1) await spawn()
  ledgerTicks()
  const shoppers: Promise<void>[] = []
  for (let number = 1, count = 1 + random.below(3); number <= count; number += 1) {
    const sessionId = `shopper-${number}`
    const userId = `user-${number}`
    const wanted = new Set([random.pick(Object.values(articles)), random.pick(Object.values(articles))])
    const cartId = await world.carts.createCart({
      sessionId,
      email: `${sessionId}@example.com`,
      shippingAddress: address,
      userId,
      lines: [...wanted].map(({ sku }) => ({ sku, quantity: sku === articles.last.sku ? 1 : 1 + random.below(4) })),
      ...(random.below(3) === 0 ? { couponCode: coupon } : {}),
    })
    shoppers.push(goShopping({ world, random, records, cartId, sessionId, userId }))
  }
  for (const shopper of shoppers) {
    shopper.catch((error: unknown) => violations.push(`bug: ${error instanceof Error ? error.stack : String(error)}`))
  }

  const policy = drawPolicy(random)
  const auditAt = random.below(steps)
  const schedule = createHash('sha256')
  let step = 0
  for (; step < steps; step += 1) {
    await scheduler.quiet()
    if (step === auditAt) violations.push(...(await world.violations()).map(found => `in the middle: ${found}`))
    await disturb()
    const happened = await scheduler.step(policy)
    if (happened === null) break
    schedule.update(`${happened.replace(/[\d.]+ ms/, 'time')}\n`)
    world.trace.push(happened)
  }

  /** Between two steps a process may die, freeze, or start. */
  async function disturb(): Promise<void> {
    const up = alive()
    if (up.length < processes && random.below(15) === 0) {
      world.trace.push('a process starts')
      await spawn()
      return
    }
    const fault = up.length === 0 ? null : chaos.onStep()
    if (fault === null) return
    const process = random.pick(up)
    world.trace.push(`${process.name}: ${fault}`)
    if (fault === 'kill') return process.kill()
    scheduler.freeze(process.name)
    // Mostly longer than its lease.
    scheduler.after(null, random.between(2_000, 40_000), `${process.name} wakes`, () => scheduler.thaw(process.name))
  }

  isHealed = true
  world.faults = { ...chaos, onCall: () => null, onTransaction: () => null, onWebhook: () => null }
  for (const process of alive()) scheduler.thaw(process.name)
  if (alive().length === 0) await world.spawn(engine)
  const isConverged = await world.drain(alive())
  violations.push(...world.bugs.map(bug => `bug: ${bug}`))
  violations.push(...(await world.violations({ drained: true, acknowledged: records.acknowledged })))
  violations.push(...(await records.wrong(world.database)))
  const checkouts = await world.database.query<{ count: number }>({
    name: 'sim_count_checkouts',
    text: 'select count(*) as count from holdfast.checkouts',
  })
  return {
    seed,
    steps: step,
    checkouts: checkouts[0]?.count ?? 0,
    fired: chaos.fired,
    violations,
    isConverged,
    schedule: schedule.digest('hex').slice(0, 16),
  }
}
