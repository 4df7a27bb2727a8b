/**
 * The figures that only the database has, as metrics show them. The cost is bounded: each count has a limit, and the
 * statement uses indexes that contain only active and waiting rows, never history.
 */
import { type Database, statement } from '../../database/database.ts'
import { dueListeners, dueNow, isNextOf } from '../health/due-deliveries.ts'
import { type HealthReading, readHealth } from '../health/reading.ts'

const locksMax = 20_000
const duePerListenerMax = 10_000
/** Deliveries examined per listener to find the oldest that is the next of its checkout. */
const overdueMax = 500
const parkedMax = 1_000
/** Listeners with deliveries; the number of listeners in code is far lower. */
const listenersMax = 100

const readFiguresStatement = statement(
  'read_figures',
  `with recursive active as materialized (
     select id, state from holdfast.checkouts where wake_at is not null limit ${locksMax}
   ), ${dueListeners}, states as (
     select state, count(*) as count from active where state not in ('completed', 'failed') group by state
   ), holds as (
     select r.state, sum(r.quantity) as units
     from active join holdfast.stock_reservations r on r.checkout_id = active.id
     where r.state in ('held', 'firm') and r.location_id is not null group by r.state
   ), deliveries as (
     select name as listener,
       (select count(*) from (
          select from holdfast.deliveries where listener = name and state = 'due' limit ${duePerListenerMax}) as due) as due,
       (select coalesce(extract(epoch from now() - min(next_at)), 0) from ${dueNow('overdue', overdueMax)}
        where ${isNextOf('overdue')}) as "lagSeconds"
     from listeners where name is not null limit ${listenersMax}
   ), parked as (
     select listener, count(*) as count from (
       select listener from holdfast.deliveries where state = 'parked' order by position limit ${parkedMax}) as parked
     group by listener order by listener limit ${listenersMax}
   )
   select
     coalesce((select json_object_agg(state, count) from states), '{}') as active,
     coalesce((select json_object_agg(state, units) from holds), '{}') as held,
     coalesce((select json_agg(deliveries) from deliveries), '[]') as deliveries,
     coalesce((select json_object_agg(listener, count) from parked), '{}') as parked`,
)

interface FiguresRow {
  active: Record<string, number>
  held: Record<string, number>
  deliveries: { listener: string; due: number; lagSeconds: number }[]
  parked: Record<string, number>
}

export type Figures = FiguresRow & Omit<HealthReading, keyof FiguresRow>

export interface FiguresSource {
  database: Database
  captureTimeoutSeconds: number
  /** The gateway whose reconciliation is shown. */
  gateway: string
}

const ping = statement('figures_ping', 'select 1 as one')

export interface FiguresReading {
  isUp: boolean
  /** Null if they could not be read in time. */
  figures: Figures | null
}

/** Never rejects. A database that is too busy for the figures but answers a trivial query is up. */
export async function readFigures({ database, ...health }: FiguresSource): Promise<FiguresReading> {
  try {
    const reading = await readHealth(database, health)
    const [row] = await database.probe<FiguresRow>(readFiguresStatement)
    return { isUp: true, figures: row === undefined ? null : { ...reading, ...row } }
  } catch {
    const isUp = await database.probe(ping).then(
      () => true,
      () => false,
    )
    return { isUp, figures: null }
  }
}
