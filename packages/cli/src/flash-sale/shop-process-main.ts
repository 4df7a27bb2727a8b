/**
 * The child process of a sale's shop. Its engines answer the calls of the buyers over IPC. The sale kills it at will, and
 * it ends with the sale.
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
import type { BuyerAnswer, FromWorker, ShopCalls, ToWorker, WorkerSettings } from './protocol.ts'
import { openSaleDatabase, removeSaleDatabase } from './sale-database.ts'
import { countUnfinished, expireLocks, fillShop, readStock, readTotals } from './sale-store.ts'

/**
 * Short times make take-overs visible. On the embedded database the gateway's ledger shares one queue with everything
 * else, so its answers take longer.
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
  // If the sale is gone, "disconnect" ends this process.
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}

/** The parts of an engine that can be abandoned alone. A process with one engine is killed as a whole and needs no wrapper. */
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

function answerOf(outcome: Outcome): BuyerAnswer {
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
    pay: async (lockId, sessionId, token) => answerOf(await engine.processCheckout(lockId, { token }, { sessionId })),
    resume: async (lockId, sessionId) => answerOf(await engine.resumeCheckout(lockId, { sessionId })),
    cancel: async (lockId, sessionId) => answerOf(await engine.cancelCheckout(lockId, { sessionId })),
    async confirm(reference, word) {
      await sandbox[word](reference)
      return null
    },
    async expireLocks(lockId) {
      await expireLocks(database, lockId)
      return null
    },
    stock: () => readStock(database),
    async recover() {
      await sandbox.runDueJobs()
      await engine.recover()
      await engine.deliverer.runOnce()
      return countUnfinished(database)
    },
    readTotals: acknowledged => readTotals(database, acknowledged),
  }
}

/** A log that reports the checkouts an engine took over, batched, because there may be many at once. */
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
  const database = await openSaleDatabase(place, named, 5)
  await migrate(database)
  if (place.kind === 'embedded') await endAllLeases(database)
  const open = new Map<number, OpenEngine>()
  let percent = faultPercent
  const sandbox = createSandboxGateway({
    database: place.kind === 'embedded' ? database : await openSaleDatabase(place, named, 3),
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
      if (!(await alive?.engine.receiveWebhook('sandbox', headers, body)))
        throw new Error('no engine accepted the webhook')
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

// Ctrl-C reaches every process of the terminal. The sale decides when this one ends.
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
  // The sale has ended. If it was killed, this process must clean up.
  if (settings !== null) await removeSaleDatabase(settings.place).catch(() => {})
  process.exit()
})
