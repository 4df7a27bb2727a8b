/** What is done to the scene: each kind of disturbance, from its beginning until everything is up again. */
import { statement } from '../../packages/holdfast/src/database/database.ts'
import type { Breakage } from '../../packages/testing/src/tcp-proxy.ts'
import { freeze } from '../processes/freeze.ts'
import type { Random } from '../random.ts'
import type { Absence, SoakGateway } from './gateway.ts'
import type { Outlet, Scene } from './scene.ts'
import { settings } from './settings.ts'

/** How often each is done, of about a hundred, whatever the gateway is. */
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

/** These explain no error of a database that cannot be reached. */
const leavesDatabase: ReadonlySet<Disturbance> = new Set<Disturbance>([
  ...(['server killed', 'all servers killed', 'server restarted'] as const),
  ...(['gateway killed', 'gateway unreachable', 'gateway frozen', 'locks expired'] as const),
])

const leaseMs = settings.engine.leaseSeconds * 1_000
/** How long a broken line may stay silent; then it is cut, as a network would in the end. */
const silenceMs = 4_000
const armedMs = 10_000
const lockedAtOnce = 5

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

const terminate = statement(
  'soak_terminate',
  `select count(pg_terminate_backend(pid)) as count from pg_stat_activity where application_name = 'holdfast'`,
)
/** As if their time had run out: payments on their way meet the end of their lock. */
const expire = statement(
  'soak_expire',
  `update holdfast.checkouts set expires_at = now(), wake_at = least(wake_at, now()) where id in (
     select id from holdfast.checkouts where state in ('pending', 'awaiting_action') and expires_at > now()
     order by random() limit $1::int for update skip locked) returning id`,
)

export interface Disturber {
  /** Does it; false where there was nothing to do it to. */
  disturb(kind: Disturbance): Promise<boolean>
  /** Starts what ended by itself. */
  revive(): void
  /** Most of the scene is up: on a slow machine there would be nothing left to disturb but starts. */
  isUp(): boolean
}

export function createDisturber(scene: Scene, random: Random): Disturber {
  const { outlets, gateway, postgres, database, outages } = scene
  const lines = outlets.map(({ line }) => line)
  const ready = () => outlets.filter(({ server }) => server.isReady)
  let isRestarting = false
  const revived = new Map(outlets.map(({ server }) => [server, 0]))

  /** False also where `work` says that nothing came of it. */
  async function toOne(work: (outlet: Outlet) => Promise<unknown>): Promise<boolean> {
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

  /** Where the database is away there is nothing to do; that it is away is another disturbance's doing. */
  async function affects(work: Promise<{ count?: number }[]>): Promise<boolean> {
    const rows = await work.catch(() => [])
    return rows.some(({ count }) => count !== 0)
  }

  function doIt(kind: Disturbance): Promise<boolean> {
    switch (kind) {
      case 'server killed':
        return toOne(killed)
      case 'all servers killed':
        return Promise.all(outlets.map(killed)).then(() => true)
      case 'server restarted':
        return toOne(async ({ server }) => {
          await server.stop()
          await server.start()
        })
      case 'server frozen past its lease':
        return toOne(frozen)
      case 'database restarted':
        return restartDatabase()
      case 'backends terminated':
        return affects(database.query(terminate))
      case 'all connections cut':
        for (const line of lines) line.cut()
        return Promise.resolve(true)
      case 'one server’s connections cut':
        return toOne(async ({ line }) => line.cut())
      case 'cut before COMMIT arrives':
        return toOne(outlet => broken(outlet, { when: 'before' }))
      case 'cut after COMMIT, answer lost':
        return toOne(outlet => broken(outlet, { when: 'after', answer: 'COMMIT' }))
      case 'stalled at COMMIT':
        return toOne(outlet => broken(outlet, { when: 'stalled' }))
      case 'silent after COMMIT':
        return toOne(outlet => broken(outlet, { when: 'held', answer: 'COMMIT' }))
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
    disturb: kind => (leavesDatabase.has(kind) ? doIt(kind) : outages.during(() => doIt(kind))),
    revive() {
      for (const { server } of outlets) {
        if (server.surprises.length === revived.get(server)) continue
        revived.set(server, server.surprises.length)
        server.start().catch(() => {})
      }
    },
  }
}
