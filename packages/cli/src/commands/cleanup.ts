/** `holdfast cleanup`: ends checkouts whose time is over, and forgets old webhooks, now instead of by themselves. */

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
    if (forgotten > 0) context.out(`${plural(forgotten, 'old webhook')} forgotten\n`)
    if (waiting > 0) {
      context.out(`${waiting} more ${waiting === 1 ? 'waits' : 'wait'} for the gateway to let the payment go\n`)
    }
  }
  return waiting === 0 ? 0 : 1
}

export function cleanupCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('cleanup')
    .description('end checkouts whose time is over, and forget old webhooks; servers and workers do it by themselves')
    .option('--json', 'print the counts as JSON')
    .addHelpText(
      'after',
      `
Exit code 0 when none is left whose time is over, 1 when the gateway has not let the payment of one go yet: it is asked
again by itself.

Example:
  holdfast cleanup`,
    )
    .action(async (options: { json?: boolean }) => done(await host.run(context => runCleanup(context, options))))
}
