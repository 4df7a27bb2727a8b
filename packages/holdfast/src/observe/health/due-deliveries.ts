/** SQL that finds the deliveries which are due, one listener at a time, without reading the others. */

/**
 * A recursive expression `listeners (name)`: each listener with due deliveries, found by one index lookup each. Its
 * statement must begin `with recursive`. The last row is null.
 */
export const dueListeners = `listeners (name) as (
     (select listener from holdfast.deliveries where state = 'due' order by listener limit 1)
     union all
     select (select listener from holdfast.deliveries where state = 'due' and listener > name order by listener limit 1)
     from listeners where name is not null
   )`

/**
 * The due deliveries of the listener `name` whose time has come, at most `countMax` of them, as rows of `alias` with
 * `checkout_id`, `position` and `next_at`. To be used with `isNextOf(alias)`.
 */
export function dueNow(alias: string, countMax: number): string {
  return `(
       select checkout_id, position, next_at from holdfast.deliveries
       where listener = name and state = 'due' and next_at <= now() order by next_at limit ${countMax}) as ${alias}`
}

/**
 * True of a delivery that is the next of its checkout and listener. A delivery that waits behind another one is not
 * overdue, because the first one decides when it runs.
 */
export function isNextOf(alias: string): string {
  return `${alias}.position = (
       select min(position) from holdfast.deliveries
       where checkout_id = ${alias}.checkout_id and listener = name and state = 'due')`
}
