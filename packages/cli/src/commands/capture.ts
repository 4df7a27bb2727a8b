/** `holdfast capture ID`: takes the money of an order that waits for it; who did it is recorded. */
import { Command } from 'commander'
import { type CommandContext, type CommandHost, checkoutId, systemUser, writeJson } from '../command.ts'
import { printOutcome } from '../terminal/result.ts'

export async function runCapture(
  context: CommandContext,
  lockId: string,
  { actor = 'command line', json = false }: { actor?: string; json?: boolean } = {},
): Promise<number> {
  const outcome = await context.engine.captureCheckout(lockId, { actor })
  if (json) writeJson(context, outcome)
  else printOutcome(context, outcome)
  return outcome.status === 'completed' ? 0 : 1
}

export function captureCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('capture')
    .description('take the money of an order that waits for its capture')
    .argument('<lock>', 'the checkout lock', checkoutId)
    .option('--actor <name>', 'who, for the record', systemUser())
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      `
Exit code 0 when the order is paid, 1 when it is not, or not yet: an authorization ends after some days, and then the
order is undone.

Example:
  holdfast capture 01989f0e-5c1a-7000-8000-2f1d7f3a9b10`,
    )
    .action(async (lockId: string, options: { actor?: string; json?: boolean }) =>
      done(await host.run(context => runCapture(context, lockId, options))),
    )
}
