/** `holdfast retry ID`: looks at a checkout now instead of when it wakes up: asks the gateway, goes on from where it rests. */
import { Command } from 'commander'
import { type CommandContext, type CommandHost, checkoutId, writeJson } from './command.ts'
import { printOutcome } from './outcome.ts'

export async function runRetry(
  context: CommandContext,
  lockId: string,
  options: { json?: boolean } = {},
): Promise<number> {
  const outcome = await context.engine.resumeCheckout(lockId)
  if (options.json) writeJson(context, outcome)
  else printOutcome(context, outcome)
  return outcome.status === 'completed' || outcome.status === 'awaiting_capture' ? 0 : 1
}

export function retryCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('retry')
    .description('look at a checkout now: ask the gateway, and go on from where it rests')
    .argument('<lock>', 'the checkout lock', checkoutId)
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      '\nExit code 0 when it came to an order, 1 when it did not (yet).\n\nExample:\n  holdfast retry 01989f0e-5c1a-7000-8000-2f1d7f3a9b10',
    )
    .action(async (lockId: string, options: { json?: boolean }) =>
      done(await host.run(context => runRetry(context, lockId, options))),
    )
}
