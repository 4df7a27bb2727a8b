/** `holdfast release ID`: ends a checkout by hand; what was done is undone, and who did it is recorded. */
import { Command } from 'commander'
import type { Outcome } from 'holdfast'
import { type CommandContext, type CommandHost, checkoutId, systemUser, writeJson } from '../command.ts'
import { printOutcome } from '../terminal/result.ts'
import { paint } from '../terminal/table.ts'

export interface ReleaseOptions {
  reason?: string
  actor?: string
  json?: boolean
}

export async function runRelease(
  context: CommandContext,
  lockId: string,
  options: ReleaseOptions = {},
): Promise<number> {
  const { reason, actor = 'command line' } = options
  const outcome = await context.engine.releaseCheckout(lockId, { actor, ...(reason === undefined ? {} : { reason }) })
  if (options.json) writeJson(context, outcome)
  else print(context, outcome)
  return outcome.lock.state === 'failed' ? 0 : 1
}

function print(context: CommandContext, outcome: Outcome): void {
  const { id, state } = outcome.lock
  const isOurs = outcome.status === 'failed' && outcome.failure.code === 'checkout_released'
  if (isOurs && state === 'failed') {
    context.out(`${id}  ${paint(context, 'good', 'released')}: stock, coupon, payment and cart are let go\n`)
    return
  }
  printOutcome(context, outcome)
  if (state === 'failed') context.out('it had ended before: nothing was to be released\n')
  else if (outcome.status === 'completed') {
    context.out(`it keeps its order; the money goes back with: holdfast refund ${outcome.order.number}\n`)
  } else context.out('it is released as soon as the gateway has let the payment go\n')
}

export function releaseCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('release')
    .description('end a checkout by hand: stock, coupon, payment and cart are let go')
    .argument('<lock>', 'the checkout lock', checkoutId)
    .option('--reason <text>', 'why, for the record')
    .option('--actor <name>', 'who, for the record', systemUser())
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      `
Exit code 0 when it is released, 1 when it is not, or not yet: a checkout that has completed keeps its order, and one
whose payment is open is released as soon as the gateway has let go.

Example:
  holdfast release 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 --reason "buyer called"`,
    )
    .action(async (lockId: string, options: ReleaseOptions) =>
      done(await host.run(context => runRelease(context, lockId, options))),
    )
}
