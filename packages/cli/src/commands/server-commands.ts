/** `holdfast serve` and `holdfast work`: the processes that stay. */
import { Command, InvalidArgumentError } from 'commander'
import { type CommandHost, type ServeOptions, type WorkOptions, wholeNumber } from '../command.ts'

function hostName(text: string): string {
  if (!/^[A-Za-z0-9.:_-]+$/.test(text)) throw new InvalidArgumentError('It is a host name or an address.')
  return text
}

export function serveCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('serve')
    .description('serve the shop over HTTP, and carry checkouts on that nobody works on')
    .option(
      '--port <number>',
      'the port to listen on; 0 takes any that is free (default: PORT, else 3000)',
      wholeNumber(0, 65_535),
    )
    .option('--host <address>', 'the address to listen on (default: HOST, else 127.0.0.1)', hostName)
    .option('--demo', 'fill an empty store with a demonstration: products, stock, a coupon')
    .addHelpText(
      'after',
      `
One line on standard output says when it is ready; logs go to standard error. SIGTERM and SIGINT finish what is in flight.

Examples:
  holdfast serve --demo
  DATABASE_URL=postgres://localhost/shop holdfast serve --port 8080 --host 0.0.0.0`,
    )
    .action(async (options: ServeOptions) => done(await host.serve(options)))
}

export function workCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('work')
    .description('carry checkouts on and deliver events, without a shop; any number may run on one PostgreSQL')
    .option(
      '--port <number>',
      'answer /metrics and /health on this port; 0 takes any that is free (default: CHECKOUT_WORKER_PORT, else none)',
      wholeNumber(0, 65_535),
    )
    .option('--host <address>', 'the address to listen on (default: HOST, else 127.0.0.1)', hostName)
    .addHelpText(
      'after',
      `
One line on standard output says when it works; logs go to standard error. SIGTERM and SIGINT finish what is in flight.

Examples:
  DATABASE_URL=postgres://localhost/shop holdfast work
  DATABASE_URL=postgres://localhost/shop holdfast work --port 9464`,
    )
    .action(async (options: WorkOptions) => done(await host.work(options)))
}
