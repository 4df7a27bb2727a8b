/**
 * The program that a process of a sale's shop runs: engines over the sale's database, which answer the calls that the
 * sale sends on behalf of its buyers. It is there to be killed, and it never outlives the sale.
 */

import { type KillableProcess, killableProcess } from '@holdfast/testing'
import type { CheckoutEngine, Outcome, SandboxFault } from 'holdfast'
import {
  CheckoutError,
  type CheckoutLog,
  createCheckout,
  createSandboxGateway,
  type SandboxGateway,
  silentLog,
} from 'holdfast'
import type { Database } from 'holdfast/database'
import { migrate } from 'holdfast/database'
import { endAllLeases } from 'holdfast/operations'
import { fillShop, letTimePass, lookAtStock, openOf, reckon } from './goods.ts'
import { openPlace, removePlace } from './place.ts'
import type { FromWorker, ShopCalls, Told, ToWorker, WorkerSettings } from './protocol.ts'

/**
 * Short, so that what a dead engine held is taken over while somebody watches. The gateway's ledger stands in the
 * embedded database too, in one queue with everything else: there its answers take longer.
 */
const times = {
  postgres: { gatewayTimeoutMs: 700, leaseMs: 3_000 },
  embedded: { gatewayTimeoutMs: 2_000, leaseMs: 5_000 },
}
const recoverEveryMs = 400
const answerWithinMs = 3_000
const delays = { slowMs: 500, pendingMs: 1_200, pollMs: 200 }
const cardFaults: readonly SandboxFault[] = [
  ...(['timeout_after', 'error_after', 'timeout_before', 'error_before', 'unreachable'] as const),
]

const say = (message: FromWorker): void => {
  // Whoever does not listen any more is gone, and `disconnect` has told so.
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}

/** What dies of an engine alone; a process of one engine dies whole, so nothing stands between that and its ports. */
type Life = Pick<KillableProcess, 'database' | 'gateway' | 'isDead' | 'kill'>

interface OpenEngine {
  engine: CheckoutEngine
  life: Life
}

interface OpenShop {
  calls(engine: number): ShopCalls
  abandon(engine: number): void
  revive(engine: number): Promise<void>
  endFaults(): void
}

function toldOf(outcome: Outcome): Told {
  switch (outcome.status) {
    case 'completed':
    case 'awaiting_capture':
      return { status: 'paid', orderId: outcome.order.id }
    case 'failed':
      return { status: 'failed', code: outcome.failure.code }
    case 'processing':
      return { status: 'waits', pollAfterMs: outcome.pollAfterMs }
    case 'action_required': {
      const { action } = outcome
      const reference = action.type === 'redirect' ? decodeURIComponent(action.url.split('/').at(-1) ?? '') : ''
      return { status: 'confirm', reference }
    }
    default:
      return outcome satisfies never
  }
}

function callsOf(database: Database, sandbox: SandboxGateway, engine: CheckoutEngine): ShopCalls {
  return {
    fill: (units, quantities) => fillShop(database, units, quantities),
    start: async (cartId, sessionId) => (await engine.startCheckout(cartId, { sessionId })).id,
    pay: async (lockId, sessionId, token) => toldOf(await engine.processCheckout(lockId, { token }, { sessionId })),
    resume: async (lockId, sessionId) => toldOf(await engine.resumeCheckout(lockId, { sessionId })),
    cancel: async (lockId, sessionId) => toldOf(await engine.cancelCheckout(lockId, { sessionId })),
    async confirm(reference, word) {
      await sandbox[word](reference)
      return null
    },
    async letTimePass(lockId) {
      await letTimePass(database, lockId)
      return null
    },
    look: () => lookAtStock(database),
    async carryOn() {
      await sandbox.runDueJobs()
      await engine.recover()
      await engine.deliverer.runOnce()
      return openOf(database)
    },
    reckon: acknowledged => reckon(database, acknowledged),
  }
}

/** Says whose checkouts an engine took over, gathered, for there may be many at once. */
function takeOvers(number: number): CheckoutLog {
  let lockIds: string[] = []
  return {
    ...silentLog,
    info(message, fields) {
      if (message !== '[Checkout] taken over') return
      if (lockIds.length === 0) {
        setTimeout(() => {
          say({ kind: 'took over', engine: number, lockIds })
          lockIds = []
        }, 100).unref()
      }
      lockIds.push(String(fields?.lockId))
    },
  }
}

async function openShop({ place, engines, secret, faultPercent }: WorkerSettings): Promise<OpenShop> {
  const named = `holdfast flash sale ${engines.join(' ')}`
  const database = await openPlace(place, named, 5)
  await migrate(database)
  if (place.kind === 'embedded') await endAllLeases(database)
  const open = new Map<number, OpenEngine>()
  let percent = faultPercent
  const sandbox = createSandboxGateway({
    database: place.kind === 'embedded' ? database : await openPlace(place, named, 3),
    webhookSecret: secret,
    delays,
    faults({ kind }) {
      if (Math.random() * 100 >= percent) return null
      const fault = cardFaults[Math.floor(Math.random() * cardFaults.length)] ?? 'error_after'
      say({ kind: 'fault', fault, call: kind })
      return fault
    },
    async deliverWebhook(headers, body) {
      const [alive] = [...open.values()].filter(({ life }) => !life.isDead)
      if (!(await alive?.engine.receiveWebhook('sandbox', headers, body))) throw new Error('nobody took the webhook')
    },
  })

  async function openEngine(number: number): Promise<void> {
    const life: Life =
      place.kind === 'embedded'
        ? killableProcess(database, sandbox, null)
        : { database, gateway: sandbox, isDead: false, kill() {} }
    const engine = await createCheckout({
      database: life.database,
      gateways: { card: life.gateway },
      migrate: false,
      config: { secret },
      log: takeOvers(number),
      listeners: { CheckoutCompleted: [{ name: 'order-confirmation', timeoutMs: 2_000, run() {} }] },
      numbers: { ...times[place.kind], recoverEveryMs, answerWithinMs },
    })
    open.set(number, { engine, life })
    say({ kind: 'open', engine: number })
  }

  for (const number of engines) await openEngine(number)
  sandbox.start()
  return {
    calls(number) {
      const one = open.get(number)
      if (one === undefined) throw new Error(`there is no engine ${number}`)
      return callsOf(database, sandbox, one.engine)
    },
    abandon: number => open.get(number)?.life.kill(),
    revive: openEngine,
    endFaults() {
      percent = 0
    },
  }
}

function refusalOf(error: unknown): { code: string; again: boolean } {
  const code = String((error as { code?: unknown } | null)?.code ?? error)
  return { code, again: !(error instanceof CheckoutError) || error.retryable }
}

let settings: WorkerSettings | null = null
let shop: OpenShop | null = null

async function answer({ id, engine, name, given }: Extract<ToWorker, { kind: 'call' }>): Promise<void> {
  try {
    if (shop === null) throw new Error('the shop is not open')
    const calls = shop.calls(engine)
    const value = await (calls[name] as (...given: readonly unknown[]) => Promise<unknown>)(...given)
    say({ kind: 'answer', id, value })
  } catch (error) {
    say({ kind: 'refusal', id, ...refusalOf(error) })
  }
}

// Ctrl-C reaches every process of the terminal; when this one ends, the sale decides.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'open':
      settings = message.settings
      void openShop(settings).then(
        opened => {
          shop = opened
          say({ kind: 'open', engine: null })
        },
        (error: unknown) => say({ kind: 'broken', reason: error instanceof Error ? error.message : String(error) }),
      )
      return
    case 'call':
      return void answer(message)
    case 'abandon':
      return shop?.abandon(message.engine)
    case 'revive':
      return void shop?.revive(message.engine)
    case 'no more faults':
      return shop?.endFaults()
    default:
      return message satisfies never
  }
})
process.once('disconnect', async () => {
  // The sale was killed: nobody else is left to clean up.
  if (settings !== null) await removePlace(settings.place).catch(() => {})
  process.exit()
})
