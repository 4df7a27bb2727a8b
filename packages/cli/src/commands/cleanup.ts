/** `holdfast cleanup`: ends expired checkouts and deletes old webhooks now, not at the next periodic cleanup. */
import { Command } from 'commander'
import { statement } from 'holdfast/database'
import { plural } from 'holdfast/operations'
import { type CommandContext, type CommandHost, writeJson } from '../command.ts'

/** Expired checkouts that have not ended: the gateway has not voided their payment yet. */
const countWaiting = statement(
  'count_waiting_checkouts',
  `select count(*) as waiting from holdfast.checkouts
   where wake_at is not null and expires_at <= now() and state in ('pending', 'awaiting_action', 'rolling_back')`,
)

export async function runCleanup(context: CommandContext, options: { json?: boolean } = {}): Promise<number> {
  const { database, engine } = context
  const expired = await engine.cleanupExpiredLocks()
  const forgotten = await engine.pruneWebhooks()
  const [row] = await database.query<{ waiting: number }>(countWaiting)
  const waiting = row?.waiting ?? 0
  if (options.json) writeJson(context, { expired, waiting, forgotten })
  else {
    context.out(`${plural(expired, 'expired lock')} cleaned up\n`)
    if (forgotten > 0) context.out(`${plural(forgotten, 'old webhook')} deleted\n`)
    if (waiting > 0) {
      const locks = waiting === 1 ? '1 lock is' : `${waiting} locks are`
      context.out(`${locks} waiting for the gateway to void ${waiting === 1 ? 'its' : 'their'} payment\n`)
    }
  }
  return waiting === 0 ? 0 : 1
}

export function cleanupCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('cleanup')
    .description('End expired checkouts and delete old webhooks now')
    .option('--json', 'Print the counts as JSON')
    .addHelpText(
      'after',
      `
Servers and workers do the same periodically (CHECKOUT_CLEANUP_INTERVAL).
Exit codes: 0: no expired lock is left, 1: a lock is waiting for the gateway to void its payment; workers retry the void.

Example:
  holdfast cleanup`,
    )
    .action(async (options: { json?: boolean }) => done(await host.run(context => runCleanup(context, options))))
}
