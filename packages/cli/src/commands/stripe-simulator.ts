/** `holdfast stripe-simulator`: a local, in-memory simulation of Stripe's payment API, for development and tests. */
import type { StripeSimulatorServer } from '@holdfast/stripe-simulator'
import { Command, InvalidArgumentError } from 'commander'
import { type Caller, type CommandHost, wholeNumber, writeJson } from '../command.ts'
import { listenError } from '../process/http-server.ts'
import { closesInTime, endRequested } from '../process/signals.ts'

interface SimulatorOptions {
  port: number
  host: string
  webhookUrl?: string
  webhookSecret?: string
  secretKey?: string
  publishableKey?: string
  controlToken?: string
  json?: boolean
}

function httpUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text)) throw new InvalidArgumentError('Expected an http or https URL.')
  return text
}

function testKey(prefix: string): (text: string) => string {
  return text => {
    if (!text.startsWith(prefix))
      throw new InvalidArgumentError(`Expected a test key that starts with ${prefix}. Do not use live keys here.`)
    return text
  }
}

function announce(
  caller: Caller,
  { url, host, port, protocol }: StripeSimulatorServer,
  options: SimulatorOptions,
): void {
  const { webhookUrl } = options
  if (options.json === true) writeJson(caller, { url, host, port, protocol, webhookUrl: webhookUrl ?? null })
  else caller.out(`stripe simulator ready on ${url}${webhookUrl === undefined ? '' : `, webhooks to ${webhookUrl}`}\n`)
}

async function simulate(caller: Caller, options: SimulatorOptions): Promise<number> {
  const { port, host, webhookUrl, webhookSecret, secretKey, publishableKey, controlToken } = options
  if ((webhookUrl === undefined) !== (webhookSecret === undefined)) {
    caller.err('--webhook-url requires --webhook-secret, and the other way round: webhooks are signed\n')
    return 2
  }
  const end = endRequested()
  const { startStripeSimulator } = await import('@holdfast/stripe-simulator')
  let server: StripeSimulatorServer
  try {
    server = await startStripeSimulator({
      port,
      host,
      ...(webhookUrl === undefined || webhookSecret === undefined
        ? {}
        : { webhooks: [{ url: webhookUrl, secret: webhookSecret }] }),
      ...(secretKey === undefined ? {} : { secretKey }),
      ...(publishableKey === undefined ? {} : { publishableKey }),
      ...(controlToken === undefined ? {} : { control: { token: controlToken } }),
    })
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall === undefined
      ? error
      : listenError(error as NodeJS.ErrnoException, options)
  }
  announce(caller, server, options)
  await end
  await closesInTime(server.stop())
  return 0
}

export function stripeSimulatorCommand({ caller }: CommandHost, done: (code: number) => void): Command {
  return new Command('stripe-simulator')
    .description('Simulate Stripe’s payment API on this machine')
    .option('--port <number>', 'Port to listen on; 0: any free port', wholeNumber(0, 65_535), 12_111)
    .option('--host <address>', 'Address to listen on', '127.0.0.1')
    .option('--webhook-url <url>', 'Endpoint that receives signed events', httpUrl)
    .option('--webhook-secret <secret>', 'Signing secret of the webhooks: whsec_…')
    .option('--secret-key <key>', 'Secret key to accept (default: any sk_test_…)', testKey('sk_test_'))
    .option('--publishable-key <key>', 'Publishable key to accept (default: any pk_test_…)', testKey('pk_test_'))
    .option('--control-token <token>', 'Bearer token that opens the control routes under /_control/')
    .option('--json', 'Print the address as JSON')
    .addHelpText(
      'after',
      `
All data is in memory. The official SDK works with it unchanged:
  new Stripe('sk_test_1', { host: '127.0.0.1', port: 12111, protocol: 'http' })
Set STRIPE_API_URL to its address: the shop then also loads a replacement for Stripe.js from /v3/.

Examples:
  holdfast stripe-simulator
  holdfast stripe-simulator --webhook-url http://127.0.0.1:3000/webhooks/stripe --webhook-secret whsec_test`,
    )
    .action(async (options: SimulatorOptions) => done(await simulate(caller, options)))
}
