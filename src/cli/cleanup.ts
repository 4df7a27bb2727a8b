/** `holdfast cleanup`: ends checkouts whose time is over, now instead of by themselves. */
import { Command } from 'commander'
import { type CommandContext, type CommandHost, writeJson } from './command.ts'

export async function runCleanup(context: CommandContext, options: { json?: boolean } = {}): Promise<number> {
  const expired = await context.engine.cleanupExpiredLocks()
  if (options.json) writeJson(context, { expired })
  else context.out(`${expired} expired ${expired === 1 ? 'lock' : 'locks'} cleaned up\n`)
  return 0
}

export function cleanupCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('cleanup')
    .description('end checkouts whose time is over; servers and workers do it by themselves')
    .option('--json', 'print the count as JSON')
    .addHelpText('after', '\nExample:\n  holdfast cleanup')
    .action(async (options: { json?: boolean }) => done(await host.run(context => runCleanup(context, options))))
}
