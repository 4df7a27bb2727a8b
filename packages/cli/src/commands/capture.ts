/** `holdfast capture ID`: captures the payment of an order, and records the actor. */
import { Command } from 'commander'
import { type CommandContext, type CommandHost, checkoutId, systemUser, writeJson } from '../command.ts'
import { printOutcome } from '../terminal/checkout-result.ts'

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
    .description('Capture the payment of an authorized order')
    .argument('<lock>', 'Checkout lock ID', checkoutId)
    .option('--actor <name>', 'Name to record as the actor', systemUser())
    .option('--json', 'Print the result as JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0: the order is paid, 1: the order is not paid, or not yet.
An authorization expires after some days; the order is then cancelled.

Example:
  holdfast capture 01989f0e-5c1a-7000-8000-2f1d7f3a9b10`,
    )
    .action(async (lockId: string, options: { actor?: string; json?: boolean }) =>
      done(await host.run(context => runCapture(context, lockId, options))),
    )
}
