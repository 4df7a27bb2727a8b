/** `holdfast retry ID`: resumes a checkout now, instead of at its next scheduled time, and records the actor. */
import { Command } from 'commander'
import { isFinal } from 'holdfast'
import { recordAdminAction } from 'holdfast/operations'
import { type CommandContext, type CommandHost, checkoutId, systemUser, writeJson } from '../command.ts'
import { printOutcome } from '../terminal/checkout-result.ts'

export interface RetryOptions {
  actor?: string
  json?: boolean
}

export async function runRetry(context: CommandContext, lockId: string, options: RetryOptions = {}): Promise<number> {
  const { engine, database } = context
  const { actor = 'command line', json } = options
  const status = await engine.getCheckoutStatus(lockId)
  // A retry of a finished or unknown checkout changes nothing, so there is nothing to record.
  if (status !== null && !isFinal(status.lock.state)) {
    await recordAdminAction(database, { action: 'retry', checkoutId: lockId, actor, details: {} })
  }
  const outcome = await engine.resumeCheckout(lockId)
  if (json) writeJson(context, outcome)
  else printOutcome(context, outcome)
  return outcome.status === 'completed' || outcome.status === 'awaiting_capture' ? 0 : 1
}

export function retryCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('retry')
    .description('Resume a checkout now: query the gateway and continue')
    .argument('<lock>', 'Checkout lock ID', checkoutId)
    .option('--actor <name>', 'Name to record as the actor', systemUser())
    .option('--json', 'Print the result as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0: the checkout has an order, 1: it has none, or not yet.\n\nExample:\n  holdfast retry 01989f0e-5c1a-7000-8000-2f1d7f3a9b10',
    )
    .action(async (lockId: string, options: RetryOptions) =>
      done(await host.run(context => runRetry(context, lockId, options))),
    )
}
