/** The command line: all commands under one program, and exit codes: 0 well, 1 what was checked is not, 2 called wrongly. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { CheckoutError, ConfigError } from 'holdfast'
import { configVariables } from 'holdfast/operations'
import type { Caller, CommandHost } from './command.ts'
import { auditCommand } from './commands/audit.ts'
import { captureCommand } from './commands/capture.ts'
import { cleanupCommand } from './commands/cleanup.ts'
import { configCommand } from './commands/config.ts'
import { deliveriesCommand } from './commands/deliveries.ts'
import { diagnoseCommand } from './commands/diagnose.ts'
import { flashSaleCommand } from './commands/flash-sale.ts'
import { importCommand } from './commands/import.ts'
import { invoicesCommand, paidCommand } from './commands/invoices.ts'
import { migrateCommand } from './commands/migrate.ts'
import { monitorCommand } from './commands/monitor.ts'
import { reconcileCommand } from './commands/reconcile.ts'
import { refundCommand } from './commands/refund.ts'
import { releaseCommand } from './commands/release.ts'
import { retryCommand } from './commands/retry.ts'
import { serveCommand, workCommand } from './commands/server-commands.ts'
import { stripeSimulatorCommand } from './commands/stripe-simulator.ts'
import { webhooksCommand } from './commands/webhooks.ts'

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

const environmentHelp = () =>
  ['', 'Environment:', ...Object.values(configVariables).map(one => `  ${one.variable.padEnd(34)}${one.meaning}`)].join(
    '\n',
  )

function createProgram(host: CommandHost, done: (code: number) => void): Command {
  const { caller } = host
  const program = new Command('holdfast')
    .description('The checkout engine: a cart goes in; one paid order comes out, or nothing happened.')
    .version(version())
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ writeOut: text => caller.out(text), writeErr: text => caller.err(text) })
    .configureHelp({ showGlobalOptions: false })
    .showHelpAfterError('(holdfast --help shows what there is)')
    .addHelpText('after', environmentHelp)
    .addHelpText('after', '\nExit codes: 0 all is well, 1 what was checked is not, 2 called wrongly.')
  const commands = [
    serveCommand,
    workCommand,
    configCommand,
    migrateCommand,
    importCommand,
    monitorCommand,
    diagnoseCommand,
    deliveriesCommand,
    webhooksCommand,
    auditCommand,
    reconcileCommand,
    cleanupCommand,
    captureCommand,
    releaseCommand,
    retryCommand,
    invoicesCommand,
    paidCommand,
    refundCommand,
    stripeSimulatorCommand,
    flashSaleCommand,
  ]
  for (const make of commands) {
    const command = make(host, done).copyInheritedSettings(program)
    for (const part of command.commands) part.copyInheritedSettings(command)
    program.addCommand(command)
  }
  return program
}

/** Runs one command. Never throws; gives the exit code. */
export async function runProgram(args: readonly string[], host: CommandHost): Promise<number> {
  let code = 0
  const program = createProgram(host, result => {
    code = result
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    return explain(error, host.caller)
  }
}

/** Says what went wrong in a sentence, with a stack only where nobody expected it. */
function explain(error: unknown, caller: Caller): number {
  if (error instanceof CommanderError) {
    // It has said its sentence already. Help that was not asked for is a call without a command.
    return error.exitCode === 0 ? 0 : 2
  }
  if (error instanceof ConfigError) {
    caller.err(`${error.message}\n`)
    return 2
  }
  if (error instanceof CheckoutError) {
    caller.err(`${error.message}\n`)
    return error.code === 'invalid_argument' ? 2 : 1
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  caller.err(['DatabaseError', 'ListenError'].includes(name) ? `${message}\n` : `${stack ?? message}\n`)
  return 1
}
