/**
 * How the planner is told what kind of work this is. Every statement here reaches its rows by key, and is planned once
 * a connection, often while the tables are still empty: a scan or a hash join that was cheapest then would be kept while
 * the table grows to millions of rows. So plans that read whole tables are taken out of the choice, and with them
 * just-in-time compilation, which their nominal cost would set off. What does look at everything (the audit, reports)
 * puts them back for its own transaction.
 *
 * And since there is one plan to choose, it is chosen once: planning anew at each call, which the server takes for
 * cheaper where an array may be short or long, took a third of a lonely checkout's time.
 */
export const keyedPlans = {
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
} as const

/** In the target list of a statement: the settings for a transaction that looks at everything. */
export const wholeTablePlans = Object.keys(keyedPlans)
  .filter(name => name.startsWith('enable_'))
  .map(name => `set_config('${name}', 'on', true)`)
  .join(', ')
