/** The disturbances of a soak. Each one lasts until the affected processes are up again. */
import { setTimeout as pause } from 'node:timers/promises'
import { statement } from '../../packages/holdfast/src/database/database.ts'
import type { Breakage } from '../../packages/testing/src/tcp-proxy.ts'
import { freeze } from '../processes/freeze.ts'
import type { Random } from '../random.ts'
import type { Absence, SoakGateway } from './gateway.ts'
import type { Outlet, Scene } from './scene.ts'
import { settings } from './settings.ts'

/** The weight of each disturbance with any gateway; the sum is about 100. */
const weights = {
  'server killed': 45,
  'all servers killed': 1,
  'server restarted': 3,
  'server frozen past its lease': 5,
  'database restarted': 3,
  'backends terminated': 5,
  'all connections cut': 4,
  'one server’s connections cut': 5,
  'cut before COMMIT arrives': 7,
  'cut after COMMIT, answer lost': 7,
  'stalled at COMMIT': 3,
  'silent after COMMIT': 2,
  'database refuses connections': 4,
  'gateway frozen': 3,
  'locks expired': 5,
} as const
const absenceWeight = 4
export type Disturbance = keyof typeof weights | Absence
export type Weights = Readonly<Partial<Record<Disturbance, number>>>

export const weightsFor = ({ absence }: SoakGateway): Weights => ({ ...weights, [absence]: absenceWeight })

/** Disturbances that do not affect the database, so they explain no database error. */
const withoutDatabase: ReadonlySet<Disturbance> = new Set<Disturbance>([
  ...(['server killed', 'all servers killed', 'server restarted'] as const),
  ...(['gateway killed', 'gateway unreachable', 'gateway frozen', 'locks expired'] as const),
])

const leaseMs = settings.engine.leaseSeconds * 1_000
/** How long a broken connection stays silent before it is cut, as a network does in the end. */
const silenceMs = 4_000
const armedMs = 10_000
const lockedAtOnce = 5

const terminate = statement(
  'soak_terminate',
  `select count(pg_terminate_backend(pid)) as count from pg_stat_activity where application_name = 'holdfast'`,
)
/** Expires locks now, so that payments in progress meet the end of their lock. */
const expire = statement(
  'soak_expire',
  `update holdfast.checkouts set expires_at = now(), wake_at = least(wake_at, now()) where id in (
     select id from holdfast.checkouts where state in ('pending', 'awaiting_action') and expires_at > now()
     order by random() limit $1::int for update skip locked) returning id`,
)

export interface Disturber {
  /** Runs a disturbance. False if there was nothing to disturb. */
  disturb(kind: Disturbance): Promise<boolean>
  /** Restarts servers that exited by themselves. */
  revive(): void
  /** Whether most servers are up; otherwise a slow machine would only see disturbed starts. */
  isUp(): boolean
}

export function createDisturber(scene: Scene, random: Random): Disturber {
  const { outlets, gateway, postgres, database, outages } = scene
  const lines = outlets.map(({ line }) => line)
  const ready = () => outlets.filter(({ server }) => server.isReady)
  let isRestarting = false
  const revived = new Map(outlets.map(({ server }) => [server, 0]))

  /** Disturbs one ready server. False if there is none, or if `work` returns false. */
  async function disturbOne(work: (outlet: Outlet) => Promise<unknown>): Promise<boolean> {
    const candidates = ready()
    return candidates.length > 0 && (await work(random.pick(candidates))) !== false
  }

  async function killed({ server }: Outlet): Promise<void> {
    await server.kill()
    await server.start()
  }

  async function frozen({ server }: Outlet): Promise<void> {
    const wake = freeze(server.pid ?? 0)
    await pause(random.between(leaseMs * 1.1, leaseMs * 2))
    wake()
  }

  async function broken({ line }: Outlet, how: Breakage): Promise<boolean> {
    const isBroken = await line.breakAt('commit\0', how, undefined, AbortSignal.timeout(armedMs))
    if (how.when === 'before' || !isBroken) return isBroken
    await pause(silenceMs)
    line.cut()
    return true
  }

  async function restartDatabase(): Promise<boolean> {
    if (isRestarting) return false
    isRestarting = true
    try {
      await postgres.restart('immediate')
    } finally {
      isRestarting = false
    }
    return true
  }

  async function refuse(): Promise<void> {
    const chosen = random.below(2) === 0 ? lines : [random.pick(lines)]
    for (const line of chosen) {
      line.refuse(true)
      line.cut()
    }
    await pause(random.between(500, 3_000))
    for (const line of chosen) line.refuse(false)
  }

  async function freezeGateway(): Promise<boolean> {
    if (!gateway.process.isReady) return false
    const wake = freeze(gateway.process.pid ?? 0)
    await pause(random.between(1_000, 4_000))
    wake()
    return true
  }

  /** Whether a statement had an effect. An unreachable database is the work of another disturbance. */
  async function affects(work: Promise<{ count?: number }[]>): Promise<boolean> {
    const rows = await work.catch(() => [])
    return rows.some(({ count }) => count !== 0)
  }

  function run(kind: Disturbance): Promise<boolean> {
    switch (kind) {
      case 'server killed':
        return disturbOne(killed)
      case 'all servers killed':
        return Promise.all(outlets.map(killed)).then(() => true)
      case 'server restarted':
        return disturbOne(async ({ server }) => {
          await server.stop()
          await server.start()
        })
      case 'server frozen past its lease':
        return disturbOne(frozen)
      case 'database restarted':
        return restartDatabase()
      case 'backends terminated':
        return affects(database.query(terminate))
      case 'all connections cut':
        for (const line of lines) line.cut()
        return Promise.resolve(true)
      case 'one server’s connections cut':
        return disturbOne(async ({ line }) => line.cut())
      case 'cut before COMMIT arrives':
        return disturbOne(outlet => broken(outlet, { when: 'before' }))
      case 'cut after COMMIT, answer lost':
        return disturbOne(outlet => broken(outlet, { when: 'after', answer: 'COMMIT' }))
      case 'stalled at COMMIT':
        return disturbOne(outlet => broken(outlet, { when: 'stalled' }))
      case 'silent after COMMIT':
        return disturbOne(outlet => broken(outlet, { when: 'held', answer: 'COMMIT' }))
      case 'database refuses connections':
        return refuse().then(() => true)
      case 'gateway killed':
      case 'gateway unreachable':
        return gateway.vanish(random)
      case 'gateway frozen':
        return freezeGateway()
      case 'locks expired':
        return affects(database.query(expire, [lockedAtOnce]))
      default:
        return kind satisfies never
    }
  }

  return {
    isUp: () => gateway.process.isReady && ready().length * 2 > outlets.length,
    disturb: kind => (withoutDatabase.has(kind) ? run(kind) : outages.during(() => run(kind))),
    revive() {
      for (const { server } of outlets) {
        if (server.surprises.length === revived.get(server)) continue
        revived.set(server, server.surprises.length)
        server.start().catch(() => {})
      }
    },
  }
}
