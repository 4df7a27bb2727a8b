/**
 * The shop of a sale: several desks, each with one engine that serves buyers. On PostgreSQL every desk is a separate
 * process; on the embedded database one process has all desks. Desks are killed and restarted while the sale continues.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as passed } from 'node:timers/promises'
import { type Database, statement } from 'holdfast/database'
import type { CallName } from './protocol.ts'
import { openSaleDatabase, type SaleDatabase } from './sale-database.ts'
import {
  type CallArguments,
  type CallResult,
  NoAnswer,
  type ProcessEvents,
  type ShopProcess,
  startShopProcess,
} from './shop-process.ts'

export interface Desk {
  readonly number: number
  condition: 'opening' | 'open' | 'dead'
  /** Process ID. */
  pid: number | null
}

export interface Shop {
  readonly kind: SaleDatabase['kind']
  readonly desks: readonly Desk[]
  /**
   * Makes a call at an open desk; waits if none is open.
   * @throws {NoAnswer} if the desk dies or after `timeoutMs` (default 8 s); {Refused}.
   */
  call<Name extends CallName>(
    name: Name,
    given: CallArguments<Name>,
    options?: { timeoutMs?: number },
  ): Promise<CallResult<Name>>
  /** Number of calls that are waiting for this desk. */
  waitingAt(desk: Desk): number
  /** On PostgreSQL kills its process with SIGKILL; else abandons its engine mid-work. */
  killDesk(desk: Desk): Promise<void>
  /** Kills every process with SIGKILL. */
  killAll(): Promise<void>
  /** Restarts all dead desks. */
  revive(): Promise<void>
  /** PostgreSQL: cuts this desk's database connections; returns how many. */
  cutConnections(desk: Desk): Promise<number>
  endFaults(): void
  close(): Promise<void>
}

export interface ShopOptions {
  place: SaleDatabase
  desks: number
  faultPercent: number
  /** A desk took over so many checkouts of a dead one. */
  onTookOver(desk: number, checkouts: number): void
  onFault(fault: string, call: string): void
}

const callMs = 8_000
const deskRetryMs = 50

const cutDesk = statement(
  'flash_sale_cut',
  `select count(pg_terminate_backend(pid)) as count from pg_stat_activity
   where datname = current_database() and application_name = $1 and pid <> pg_backend_pid()`,
)

export async function openFlashSaleShop(options: ShopOptions): Promise<Shop> {
  const { place, faultPercent, onTookOver, onFault } = options
  const isEmbedded = place.kind === 'embedded'
  const secret = randomBytes(32).toString('hex')
  const desks = Array.from({ length: options.desks }, (_, at): Desk => {
    return { number: at + 1, condition: 'opening', pid: null }
  })
  /** The running process of each desk. */
  const processes = new Map<Desk, ShopProcess>()
  const opening = new Set<Promise<void>>()
  const orphans = new Set<string>()
  const events: ProcessEvents = {
    onFault,
    onOrphans(lockIds) {
      for (const id of lockIds) orphans.add(id)
    },
    onTookOver(desk, lockIds) {
      const theirs = lockIds.filter(id => orphans.delete(id))
      if (theirs.length > 0) onTookOver(desk, theirs.length)
    },
  }
  let percent = faultPercent
  let closing = false
  let turn = 0

  async function start(group: readonly Desk[]): Promise<void> {
    if (closing) return
    const engines = group.map(desk => desk.number)
    for (const desk of group) desk.condition = 'opening'
    const begun = startShopProcess({ place, engines, secret, faultPercent: percent }, events)
    const running = begun.then(
      () => {},
      () => {},
    )
    opening.add(running)
    void running.then(() => opening.delete(running))
    const process = await begun
    if (closing) return process.kill()
    // Faults may have ended while the process started.
    if (percent === 0) process.endFaults()
    for (const desk of group) {
      processes.set(desk, process)
      desk.pid = process.pid
      desk.condition = 'open'
    }
    void process.gone.then(() => {
      for (const desk of group) {
        if (processes.get(desk) !== process) continue
        processes.delete(desk)
        desk.condition = 'dead'
      }
    })
  }

  // The first process migrates the schema before the others start.
  const [first, ...others] = isEmbedded ? [desks] : desks.map(desk => [desk])
  let watcher: Database | null = null
  try {
    await start(first ?? [])
    await Promise.all(others.map(start))
    watcher = place.kind === 'embedded' ? null : await openSaleDatabase(place, 'holdfast flash sale', 1)
  } catch (error) {
    await close()
    throw error
  }

  async function anyOpen(untilMs: number): Promise<Desk> {
    for (;;) {
      const open = desks.filter(desk => desk.condition === 'open')
      turn += 1
      const desk = open[turn % Math.max(open.length, 1)]
      if (desk !== undefined) return desk
      if (closing || performance.now() > untilMs) throw new NoAnswer('no desk is open')
      await passed(deskRetryMs)
    }
  }

  async function close(): Promise<void> {
    closing = true
    await Promise.all([...new Set(processes.values())].map(process => process.kill()))
    await Promise.all(opening)
    await watcher?.close()
  }

  return {
    kind: place.kind,
    desks,
    async call<Name extends CallName>(
      name: Name,
      given: CallArguments<Name>,
      { timeoutMs = callMs }: { timeoutMs?: number } = {},
    ): Promise<CallResult<Name>> {
      const desk = await anyOpen(performance.now() + timeoutMs)
      const process = processes.get(desk)
      if (process === undefined) throw new NoAnswer('the process has ended')
      return process.call(desk.number, name, given, { timeoutMs })
    },
    waitingAt: desk => processes.get(desk)?.waitingAt(desk.number) ?? 0,
    async killDesk(desk) {
      desk.condition = 'dead'
      if (isEmbedded) processes.get(desk)?.abandon(desk.number)
      else await processes.get(desk)?.kill()
    },
    async killAll() {
      const alive = new Set(processes.values())
      for (const desk of desks) desk.condition = 'dead'
      await Promise.all([...alive].map(process => process.kill()))
    },
    async revive() {
      const dead = desks.filter(desk => desk.condition === 'dead')
      const lonely = dead.filter(desk => !processes.has(desk))
      for (const desk of dead) desk.condition = 'opening'
      const groups = isEmbedded ? [lonely] : lonely.map(desk => [desk])
      await Promise.all([
        ...groups.filter(group => group.length > 0).map(start),
        ...dead
          .filter(desk => processes.has(desk))
          .map(async desk => {
            await processes.get(desk)?.revive(desk.number)
            if (processes.has(desk)) desk.condition = 'open'
          }),
      ])
    },
    async cutConnections(desk) {
      const [row] = (await watcher?.query<{ count: number }>(cutDesk, [`holdfast flash sale ${desk.number}`])) ?? []
      return row?.count ?? 0
    },
    endFaults() {
      percent = 0
      for (const process of new Set(processes.values())) process.endFaults()
    },
    close,
  }
}
