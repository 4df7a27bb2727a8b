/** `holdfast serve` and `holdfast work`: the long-running processes. */
import { Command, InvalidArgumentError } from 'commander'
import { type CommandHost, type ServeOptions, type WorkOptions, wholeNumber } from '../command.ts'

function hostName(text: string): string {
  if (!/^[A-Za-z0-9.:_-]+$/.test(text)) throw new InvalidArgumentError('Expected a host name or an IP address.')
  return text
}

export function serveCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('serve')
    .description('Serve the shop over HTTP and recover abandoned checkouts')
    .option('--port <number>', 'Port to listen on; 0: any free port (default: PORT, else 3000)', wholeNumber(0, 65_535))
    .option('--host <address>', 'Address to listen on (default: HOST, else 127.0.0.1)', hostName)
    .option('--demo', 'Add a demo catalog to an empty store: products, stock, a coupon')
    .addHelpText(
      'after',
      `
Standard output gets one line when the server is ready; logs go to standard error.
SIGTERM and SIGINT stop the server after the requests in flight.

Examples:
  holdfast serve --demo
  DATABASE_URL=postgres://localhost/shop holdfast serve --port 8080 --host 0.0.0.0`,
    )
    .action(async (options: ServeOptions) => done(await host.serve(options)))
}

export function workCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('work')
    .description('Recover checkouts and deliver events, without serving the shop')
    .option(
      '--port <number>',
      'Port for /metrics and /health; 0: any free port (default: CHECKOUT_WORKER_PORT, else none)',
      wholeNumber(0, 65_535),
    )
    .option('--host <address>', 'Address to listen on (default: HOST, else 127.0.0.1)', hostName)
    .addHelpText(
      'after',
      `
Any number of workers may run on one PostgreSQL database.
Standard output gets one line when the worker has started; logs go to standard error.
SIGTERM and SIGINT stop the worker after the work in flight.

Examples:
  DATABASE_URL=postgres://localhost/shop holdfast work
  DATABASE_URL=postgres://localhost/shop holdfast work --port 9464`,
    )
    .action(async (options: WorkOptions) => done(await host.work(options)))
}
