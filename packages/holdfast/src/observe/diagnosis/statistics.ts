/** Figures of the last hours: started checkouts, their ends, durations, and failure reasons. */

import { type Database, statement } from '../../database/database.ts'
import type { PhaseName } from '../../domain/states.ts'
import type { Statistics } from '../../engine/checkout-engine.ts'

export const hoursMax = 24 * 366

/**
 * `$1`: hours. IDs are UUIDv7, so the primary key finds the rows. It is read one day deeper, because IDs carry the clocks
 * of the applications, and then filtered by `locked_at`, the database's clock. A million checkouts take one pass that
 * keeps a counter per outcome and millisecond. `offset 0` makes the planner hash them; without it, the planner
 * overestimates the number of groups and sorts all rows on disk.
 */
const readStatistics = statement(
  'read_statistics',
  `with bound as (
     select now() - $1::integer * interval '1 hour' as since,
       (lpad(to_hex((extract(epoch from now() - ($1::integer + 24) * interval '1 hour') * 1000)::bigint), 12, '0')
         || repeat('0', 20))::uuid as first_id
   ), started as materialized (
     select state, code, phase, ms, count(*) as count
     from (
       select c.state, c.failure ->> 'code' as code, c.failure ->> 'phase' as phase,
         round(1000 * date_part('epoch', c.completed_at - c.locked_at)) as ms
       from holdfast.checkouts c, bound where c.id >= bound.first_id and c.locked_at >= bound.since offset 0) as each
     group by state, code, phase, ms
   ), states as (select state, sum(count) as count from started group by state),
   reasons as (
     select code, phase, sum(count) as count
     from started where state = 'failed' group by code, phase order by sum(count) desc, code, phase limit 20
   ), durations as (
     select ms, sum(sum(count)) over (order by ms) as upto, sum(sum(count)) over () as total
     from started where state = 'completed' group by ms
   )
   select
     (select count(*) from holdfast.checkouts where wake_at is not null and state not in ('completed', 'failed')) as active,
     coalesce((select json_object_agg(state, count) from states), '{}') as by_state,
     coalesce((select json_agg(reasons) from reasons), '[]') as reasons,
     (select coalesce(sum(count), 0) from started where code = 'checkout_expired') as expired,
     (select json_agg((select min(ms) from durations where upto >= share * total) order by share)
      from unnest(array[0.5, 0.95, 0.99]) as share where exists (select from durations)) as percentiles`,
)

interface StatisticsRow {
  active: number
  by_state: Record<string, number>
  reasons: { code: string; phase: PhaseName | null; count: number }[]
  expired: number
  percentiles: [number, number, number] | null
}

/**
 * Figures of the checkouts that started in the last `hours` (1 to 8,784, default 24). `active` counts all checkouts that
 * are active now.
 */
export async function statistics(
  database: Database,
  options: { hours?: number | undefined } = {},
): Promise<Statistics> {
  const hours = Math.min(hoursMax, Math.max(1, Math.round(options.hours ?? 24)))
  const [row] = await database.query<StatisticsRow>(readStatistics, [hours])
  if (row === undefined) throw new Error('read_statistics returned no row')
  const completed = row.by_state.completed ?? 0
  const failed = row.by_state.failed ?? 0
  return {
    hours,
    active: row.active,
    completed,
    failed,
    expired: row.expired,
    successRate: completed + failed === 0 ? null : completed / (completed + failed),
    byState: row.by_state,
    failureReasons: row.reasons.map(({ code, phase, count }) => ({ code, phase, count })),
    durationMs:
      row.percentiles === null
        ? null
        : {
            p50: row.percentiles[0],
            p95: row.percentiles[1],
            p99: row.percentiles[2],
          },
  }
}
