/** Checkouts that ended lately, counted per bucket of time. */
import { type Database, statement } from '../../database/database.ts'

export interface Throughput {
  bucketSeconds: number
  /** One count per bucket, oldest first, without the current bucket. */
  completed: number[]
  failed: number[]
}

/**
 * `$1`: hours, `$2`: seconds per bucket, `$3`: number of buckets. As in the statistics, rows are found by ID. Checkouts
 * that started more than a day before those hours are not counted.
 */
const readThroughput = statement(
  'read_throughput',
  `with bound as (
     select floor(extract(epoch from now()) / $2::integer)::bigint as bucket,
       (lpad(to_hex((extract(epoch from now() - ($1::integer + 24) * interval '1 hour') * 1000)::bigint), 12, '0')
         || repeat('0', 20))::uuid as first_id
   ), ended as (
     select bound.bucket - floor(extract(epoch from coalesce(c.completed_at, c.failed_at)) / $2::integer)::bigint as ago, c.state
     from holdfast.checkouts c, bound
     where c.id >= bound.first_id and c.state in ('completed', 'failed')
       and coalesce(c.completed_at, c.failed_at) >= now() - ($3::integer + 1) * $2::integer * interval '1 second'
   )
   select ago, count(*) filter (where state = 'completed') as completed, count(*) filter (where state = 'failed') as failed
   from ended where ago between 1 and $3::integer group by ago`,
)

/** The ends in the last `buckets` buckets of `bucketSeconds` each, among the checkouts of the last `hours`. */
export async function throughput(
  database: Database,
  { hours, bucketSeconds, buckets }: { hours: number; bucketSeconds: number; buckets: number },
): Promise<Throughput> {
  const rows = await database.query<{ ago: number; completed: number; failed: number }>(readThroughput, [
    hours,
    bucketSeconds,
    buckets,
  ])
  const byAge = new Map(rows.map(row => [row.ago, row]))
  const ages = Array.from({ length: buckets }, (_, index) => buckets - index)
  return {
    bucketSeconds,
    completed: ages.map(ago => byAge.get(ago)?.completed ?? 0),
    failed: ages.map(ago => byAge.get(ago)?.failed ?? 0),
  }
}
