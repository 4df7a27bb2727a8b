/** The `holdfast` program: all commands, and the exit codes 0 (all is well), 1 (a check failed), 2 (wrong usage). */
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Help } from 'commander'
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
import { cell } from './terminal/table.ts'

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Widest help text, in cells. */
const helpWidth = 120

/** The variables, each meaning wrapped beside its name. */
function environmentHelp(width: number): string {
  const variables = Object.values(configVariables)
  const help = new Help()
  help.prepareContext({ helpWidth: width })
  const nameWidth = Math.max(...variables.map(({ variable }) => variable.length))
  const rows = variables.map(({ variable, meaning }) => help.formatItem(variable, nameWidth, meaning, help))
  return ['', 'Environment:', ...rows].join('\n')
}

/** Wraps sentences; indented lines, such as examples, stay whole so that they can be copied. */
function wrapSentences(text: string, width: number): string {
  const help = new Help()
  return text
    .split('\n')
    .map(line => (line.startsWith(' ') ? line : help.boxWrap(line, width)))
    .join('\n')
}

function createProgram(host: CommandHost, done: (code: number) => void): Command {
  const { caller } = host
  const width = Math.min(caller.columns ?? helpWidth, helpWidth)
  const program = new Command('holdfast')
    .description('Run and operate a Holdfast shop.')
    .version(version(), '-V, --version', 'Show the version')
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: text => caller.out(wrapSentences(text, width)),
      writeErr: text => caller.err(text),
      getOutHelpWidth: () => width,
    })
    .configureHelp({ showGlobalOptions: false })
    .helpOption('-h, --help', 'Show help')
    .helpCommand('help [command]', 'Show help for a command')
    .showHelpAfterError('Run "holdfast --help" for a list of commands.')
    .addHelpText('after', environmentHelp(width))
    .addHelpText('after', '\nExit codes: 0: all is well, 1: a check failed, 2: wrong usage')
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

/** Runs one command and returns the exit code. Never throws. */
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

/** Prints an expected error as one line, and a bug with its stack. Returns the exit code. */
function explain(error: unknown, caller: Caller): number {
  if (error instanceof CommanderError) {
    // Commander has printed it. Help that was not requested means that the command is missing.
    return error.exitCode === 0 ? 0 : 2
  }
  if (error instanceof ConfigError) {
    caller.err(`${error.message}\n`)
    return 2
  }
  if (error instanceof CheckoutError) {
    // The message may quote stored names.
    caller.err(`${cell(error.message)}\n`)
    return error.code === 'invalid_argument' ? 2 : 1
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  caller.err(['DatabaseError', 'ListenError'].includes(name) ? `${message}\n` : `${stack ?? message}\n`)
  return 1
}
