/** `holdfast release ID`: ends a checkout, rolls it back, and records the actor. */
import { Command } from 'commander'
import type { Outcome } from 'holdfast'
import { type CommandContext, type CommandHost, checkoutId, systemUser, writeJson } from '../command.ts'
import { printOutcome } from '../terminal/checkout-result.ts'
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
  const isReleased = outcome.status === 'failed' && outcome.failure.code === 'checkout_released'
  if (isReleased && state === 'failed') {
    context.out(`${id}  ${paint(context, 'good', 'released')}: stock, coupon, payment, and cart\n`)
    return
  }
  printOutcome(context, outcome)
  if (state === 'failed') context.out('the checkout had already ended; nothing to release\n')
  else if (outcome.status === 'completed') {
    context.out(`the checkout has become an order; to return the money: holdfast refund ${outcome.order.number}\n`)
  } else context.out('the release completes when the gateway has voided the payment\n')
}

export function releaseCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('release')
    .description('Release a checkout: its stock, coupon, payment, and cart')
    .argument('<lock>', 'Checkout lock ID', checkoutId)
    .option('--reason <text>', 'Reason to record')
    .option('--actor <name>', 'Name to record as the actor', systemUser())
    .option('--json', 'Print the result as JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0: the checkout is released, 1: it is not, or not yet.
A completed checkout keeps its order. A checkout with an open payment is released when the gateway has voided it.

Example:
  holdfast release 01989f0e-5c1a-7000-8000-2f1d7f3a9b10 --reason "buyer called"`,
    )
    .action(async (lockId: string, options: ReleaseOptions) =>
      done(await host.run(context => runRelease(context, lockId, options))),
    )
}
