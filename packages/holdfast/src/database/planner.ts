/**
 * Planner settings. Every statement of the engine reaches its rows by key and is planned once per connection, often
 * while the tables are still empty. A scan or hash join that was cheapest then would be kept while the table grows to
 * millions of rows. These settings exclude plans that read whole tables, and JIT compilation, which their nominal cost
 * would trigger. Audits and reports read everything; they restore the defaults for their own transaction.
 *
 * One generic plan is enough, so it is made once: planning at each call, which the server prefers if an array may be
 * short or long, took a third of the time of a single checkout.
 */
export const keyedPlans = {
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
} as const

/** For the target list of a statement: restores the settings in a transaction that reads whole tables. */
export const wholeTablePlans = Object.keys(keyedPlans)
  .filter(name => name.startsWith('enable_'))
  .map(name => `set_config('${name}', 'on', true)`)
  .join(', ')
