/** `holdfast retry ID`: looks at a checkout now, instead of when its time comes; who did it is recorded. */
import { Command } from 'commander'
import { isFinal } from 'holdfast'
import { recordAdminAction } from 'holdfast/operations'
import { type CommandContext, type CommandHost, checkoutId, systemUser, writeJson } from '../command.ts'
import { printOutcome } from '../terminal/result.ts'

export interface RetryOptions {
  actor?: string
  json?: boolean
}

export async function runRetry(context: CommandContext, lockId: string, options: RetryOptions = {}): Promise<number> {
  const { engine, database } = context
  const { actor = 'command line', json } = options
  const status = await engine.getCheckoutStatus(lockId)
  // Asking about what has ended, or is not there, changes nothing and is nothing to record.
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
    .description('look at a checkout now: ask the gateway, and go on from where it rests')
    .argument('<lock>', 'the checkout lock', checkoutId)
    .option('--actor <name>', 'who, for the record', systemUser())
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      '\nExit code 0 when it came to an order, 1 when it did not (yet).\n\nExample:\n  holdfast retry 01989f0e-5c1a-7000-8000-2f1d7f3a9b10',
    )
    .action(async (lockId: string, options: RetryOptions) =>
      done(await host.run(context => runRetry(context, lockId, options))),
    )
}
