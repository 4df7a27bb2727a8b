/**
 * The kill proof: checkouts under load while servers are killed with SIGKILL at random instants and restarted. At the
 * end everything drains, is audited, and is compared with the answers that buyers received. Protects A9, B1 to B4, and
 * the money invariants across real crashes.
 */

import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { forward } from '../../packages/cli/src/process/forward.ts'
import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import { openEmbedded } from '../../packages/holdfast/src/database/embedded/pglite.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'
import type { AuditReport } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import { audit } from '../../packages/holdfast/src/observe/audit/audit.ts'
import { endedAs, refusalsOf } from '../buyers/endings.ts'
import { runLoad } from '../buyers/load.ts'
import { acknowledgedBy, type Contradictions, contradictionsOf } from '../buyers/reconcile-answers.ts'
import { fillShop, serverEnvironment } from '../buyers/shop.ts'
import { type Pace, runKiller } from '../processes/killer.ts'
import { createServerProcess, type ServerProcess } from '../processes/server-process.ts'
import { createRandom } from '../random.ts'

export interface KillOptions {
  /** An empty PostgreSQL database; null: an embedded one in `directory`. */
  databaseUrl: string | null
  /** The working directory of the servers. */
  directory: string
  /** Servers on the one database; the embedded database allows only 1. */
  processes: number
  buyers: number
  /** The length of the load and of the kills. */
  until: { seconds: number } | { kills: number }
  pace: Pace
  seed: number
  isBuilt?: boolean
  /** An archive of a migrated embedded database to start from, which saves creating one. */
  template?: Blob
}

export interface KillReport {
  seed: number
  database: 'PostgreSQL' | 'embedded'
  processes: number
  buyers: number
  seconds: number
  drainSeconds: number
  kills: number
  payments: number
  lostAnswers: number
  checkouts: { started: number; completed: number; failed: number; neverPaid: number; carriedOn: number }
  endings: { orders: number; refusals: Record<string, number>; left: number; unanswered: number }
  contradictions: Contradictions
  audit: AuditReport
  /** Answers and log lines that only a defect of the server explains. */
  serverErrors: string[]
  /** What failed, in sentences; empty if the proof holds. */
  wrong: string[]
}

/** Short, so that the work of a dead process is taken over within the run. Gateway timeouts are shorter, too. */
const leaseSeconds = 4
const answersMs = 90_000
const drainMs = 120_000
const lookEveryMs = 250
const skus = Array.from({ length: 6 }, (_, number) => `KILL-${number}`)

const readCheckouts = statement(
  'sim_checkouts',
  `select count(*) as started, count(*) filter (where state = 'completed') as completed,
     count(*) filter (where state = 'failed') as failed, count(*) filter (where state = 'pending') as "neverPaid",
     count(*) filter (where epoch > 1) as "carriedOn"
   from holdfast.checkouts`,
)

/** Counts payments, and lets callers wait for more of them. */
function paymentCounter() {
  let count = 0
  let waiting: { at: number; resolve: () => void }[] = []
  function release(isDue: (at: number) => boolean): void {
    const due = waiting.filter(({ at }) => isDue(at))
    waiting = waiting.filter(({ at }) => !isDue(at))
    for (const { resolve } of due) resolve()
  }
  return {
    count: () => count,
    add() {
      count += 1
      release(at => at <= count)
    },
    more: (wanted: number) => new Promise<void>(resolve => waiting.push({ at: count + wanted, resolve })),
    releaseAll: () => release(() => true),
  }
}

/** Runs load and kills until the last buyer has an answer. */
async function loadAndKill(options: KillOptions, servers: readonly ServerProcess[]) {
  const { until, pace, seed, buyers } = options
  const payments = paymentCounter()
  let isClosing = false
  let isOver = false
  let kills = 0
  const end = () => {
    isClosing = true
    payments.releaseAll()
  }
  const timer = 'seconds' in until ? setTimeout(end, until.seconds * 1000) : null
  // Each part has its own random stream, so the kills of a seed do not depend on how fast buyers are.
  const ways = createRandom(seed + 2)
  const load = runLoad({
    random: createRandom(seed + 1),
    skus,
    buyers,
    origin: () => ways.pick(servers).url,
    onPayment: payments.add,
    isClosing: () => isClosing,
    isOver: () => isOver,
  })
  load.catch(end)
  try {
    kills = await runKiller({
      servers,
      random: createRandom(seed),
      pace,
      payments: payments.more,
      isOver: () => isClosing,
      killsMax: 'kills' in until ? until.kills : Number.POSITIVE_INFINITY,
    })
    end()
    // Kill all servers once more at the same time, while the last buyers are active.
    await Promise.all(servers.map(server => server.kill()))
    kills += servers.length
    await Promise.all(servers.map(server => server.start()))
    const late = setTimeout(() => {
      isOver = true
    }, answersMs)
    const records = await load
    clearTimeout(late)
    return { records, kills, payments: payments.count() }
  } finally {
    if (timer !== null) clearTimeout(timer)
    end()
    isOver = true
    await load.catch(() => {})
  }
}

/** Audits through the running server, which alone may open an embedded database. */
async function auditOf(options: KillOptions, database: Database | null): Promise<AuditReport | null> {
  if (database !== null) return audit(database, { ledger: 'sandbox', drained: true })
  let out = ''
  const caller = {
    ...{ colours: false, isTty: false, directory: options.directory },
    out: (text: string) => {
      out += text
    },
    err: () => {},
  }
  const code = await forward(path.join(options.directory, '.holdfast'), caller, ['audit', '--drained', '--json'])
  return code === null || out === '' ? null : (JSON.parse(out) as AuditReport)
}

/** Waits until no checkout is in progress. The audit afterwards reports what is left. Returns the seconds it took. */
async function drain(options: KillOptions, database: Database | null): Promise<number> {
  const startedAt = performance.now()
  const elapsed = () => performance.now() - startedAt
  while (elapsed() < drainMs) {
    const report = await auditOf(options, database)
    const open = report?.findings.filter(({ invariant }) => invariant === 'B1' || invariant === 'B4')
    if (open?.every(({ violations }) => violations === 0)) break
    await pause(lookEveryMs)
  }
  return elapsed() / 1000
}

/** Refusals that the sandbox's tokens can cause. Any other refusal is a failure. */
const explained = new Set(['payment_declined', 'capture_refused', 'payment_unsettled'])

function wrongIn(report: Omit<KillReport, 'wrong'>): string[] {
  const { contradictions, endings, serverErrors } = report
  const wrong = Object.values(contradictions).flat() as string[]
  if (report.audit.violations > 0) wrong.push(`the audit found ${report.audit.violations} violations`)
  if (endings.unanswered > 0) wrong.push(`${endings.unanswered} buyers never got a final answer`)
  if (endings.orders === 0) wrong.push('no order was completed, so nothing is proven')
  for (const [code, count] of Object.entries(endings.refusals)) {
    if (!explained.has(code)) wrong.push(`${count} buyers were refused with ${code}`)
  }
  if (serverErrors.length > 0) wrong.push(`${serverErrors.length} server errors, the first: ${serverErrors[0]}`)
  return wrong
}

/** Runs the proof and stops the processes it started. Keeps the database for inspection. */
export async function proveKill(options: KillOptions): Promise<KillReport> {
  const { databaseUrl, directory, isBuilt = false, processes, buyers, seed, template } = options
  const embedded = { directory: path.join(directory, '.holdfast'), ...(template === undefined ? {} : { template }) }
  const store = () => (databaseUrl === null ? openEmbedded(embedded) : connectPostgres({ url: databaseUrl }))
  const filled = await store()
  const isShared = databaseUrl !== null
  const servers: ServerProcess[] = []
  const environment = { ...serverEnvironment, CHECKOUT_LEASE_SECONDS: String(leaseSeconds) }
  const startedAt = performance.now()
  try {
    await fillShop(
      filled,
      skus.map((sku, index) => ({ sku, priceMinor: 990 + 1_000 * index, quantity: 1_000_000 })),
    )
    if (!isShared) await filled.close()
    for (let number = 0; number < processes; number += 1) {
      servers.push(await createServerProcess({ directory, databaseUrl, isBuilt, environment }))
    }
    await Promise.all(servers.map(server => server.start()))
    const { records, kills, payments } = await loadAndKill(options, servers)
    const drainSeconds = await drain(options, isShared ? filled : null)
    const seconds = (performance.now() - startedAt) / 1000
    await Promise.all(servers.map(server => server.kill()))
    const database = isShared ? filled : await store()
    try {
      const [checkouts] = await database.query<KillReport['checkouts']>(readCheckouts)
      if (checkouts === undefined) throw new Error('the database returned no row')
      const report: Omit<KillReport, 'wrong'> = {
        ...{ seed, database: isShared ? 'PostgreSQL' : 'embedded', processes, buyers, seconds, drainSeconds, kills },
        ...{ payments, checkouts },
        lostAnswers: records.reduce((sum, record) => sum + record.lostAnswers, 0),
        endings: {
          orders: endedAs(records, 'ordered'),
          refusals: refusalsOf(records),
          left: endedAs(records, 'left'),
          unanswered: endedAs(records, 'unanswered'),
        },
        contradictions: await contradictionsOf(database, records),
        audit: await audit(database, { ledger: 'sandbox', drained: true, acknowledged: acknowledgedBy(records) }),
        serverErrors: [...servers.flatMap(server => server.errors), ...records.flatMap(record => record.serverErrors)],
      }
      return { ...report, wrong: wrongIn(report) }
    } finally {
      if (!isShared) await database.close()
    }
  } finally {
    await Promise.all(servers.map(server => server.kill()))
    await filled.close()
  }
}
