/**
 * The figures that only the database knows. Bounded whatever is in it: they are read through indexes that hold nothing
 * but what is active or waits, counts end somewhere, and no history is touched.
 */
import { type Database, statement } from '../../database/database.ts'
import { type HealthReading, readHealth } from '../health/reading.ts'

const locksMax = 20_000
const duePerListenerMax = 10_000
/** One that stands behind another of its checkout is not late: so many are looked at for one that is. */
const lateMax = 500
const parkedMax = 1_000
/** Listeners are code; these are those that deliveries were written for. */
const listenersMax = 100

const readFiguresStatement = statement(
  'read_figures',
  `with recursive active as materialized (
     select id, state from holdfast.checkouts where wake_at is not null limit ${locksMax}
   ), listeners (name) as (
     (select listener from holdfast.deliveries where state = 'due' order by listener limit 1)
     union all
     select (select listener from holdfast.deliveries where state = 'due' and listener > name order by listener limit 1)
     from listeners where name is not null
   ), states as (
     select state, count(*) as count from active where state not in ('completed', 'failed') group by state
   ), holds as (
     select r.state, sum(r.quantity) as units
     from active join holdfast.stock_reservations r on r.checkout_id = active.id
     where r.state in ('held', 'firm') and r.location_id is not null group by r.state
   ), deliveries as (
     select name as listener,
       (select count(*) from (
          select from holdfast.deliveries where listener = name and state = 'due' limit ${duePerListenerMax}) as due) as due,
       (select coalesce(extract(epoch from now() - min(next_at)), 0) from (
          select checkout_id, position, next_at from holdfast.deliveries
          where listener = name and state = 'due' and next_at <= now() order by next_at limit ${lateMax}) as late
        where position = (
          select min(position) from holdfast.deliveries
          where checkout_id = late.checkout_id and listener = name and state = 'due')) as "lagSeconds"
     from listeners where name is not null limit ${listenersMax}
   ), parked as (
     select listener, count(*) as count from (
       select listener from holdfast.deliveries where state = 'parked' order by position limit ${parkedMax}) as given_up
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
  /** Whose books are compared with. */
  gateway: string
}

const ping = statement('figures_ping', 'select 1 as one')

export interface FiguresReading {
  isUp: boolean
  /** Null where they could not be had in time. */
  figures: Figures | null
}

/** It never fails. A database that is too busy for all of it, and answers a small question, is up. */
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
