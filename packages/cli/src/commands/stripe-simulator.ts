/** `holdfast stripe-simulator`: Stripe's payment API on this machine, for development and proofs. In memory only. */

import { type StripeSimulatorServer, startStripeSimulator } from '@holdfast/stripe-simulator'
import { Command, InvalidArgumentError } from 'commander'
import { type Caller, type CommandHost, wholeNumber, writeJson } from '../command.ts'
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
  if (!URL.canParse(text) || !/^https?:/.test(text)) throw new InvalidArgumentError('It is an http or https address.')
  return text
}

function testKey(prefix: string): (text: string) => string {
  return text => {
    if (!text.startsWith(prefix))
      throw new InvalidArgumentError(`It begins with ${prefix}: this is no place for others.`)
    return text
  }
}

function reason(error: NodeJS.ErrnoException, { host, port }: SimulatorOptions): string | null {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use: stop what listens there, or choose another with --port`
    case 'EACCES':
      return `port ${port} on ${host} is not allowed to this user: choose one above 1023 with --port`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine: choose another with --host`
    default:
      return null
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
    caller.err('--webhook-url and --webhook-secret go together: what is sent is signed\n')
    return 2
  }
  const end = endRequested()
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
    const sentence = reason(error as NodeJS.ErrnoException, options)
    if (sentence === null) throw error
    caller.err(`${sentence}\n`)
    return 1
  }
  announce(caller, server, options)
  await end
  await closesInTime(server.stop())
  return 0
}

export function stripeSimulatorCommand({ caller }: CommandHost, done: (code: number) => void): Command {
  return new Command('stripe-simulator')
    .description('simulate Stripe on this machine, strictly and in memory, for development and proofs')
    .option('--port <number>', 'the port to listen on; 0 takes any that is free', wholeNumber(0, 65_535), 12_111)
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--webhook-url <url>', 'where events are sent, signed', httpUrl)
    .option('--webhook-secret <secret>', 'signs them: whsec_…')
    .option('--secret-key <key>', 'the one secret key it takes (default: any sk_test_…)', testKey('sk_test_'))
    .option('--publishable-key <key>', 'the one publishable key it takes (default: any pk_test_…)', testKey('pk_test_'))
    .option('--control-token <token>', 'opens the control routes under /_control/ to who sends it as Bearer token')
    .option('--json', 'say where it listens as one JSON document')
    .addHelpText(
      'after',
      `
The official SDK talks to it unchanged: new Stripe('sk_test_1', { host: '127.0.0.1', port: 12111, protocol: 'http' })
Browsers get a stand-in for Stripe.js from /v3/: the shop uses it by itself where STRIPE_API_URL names the simulator.

Examples:
  holdfast stripe-simulator
  holdfast stripe-simulator --webhook-url http://127.0.0.1:3000/webhooks/stripe --webhook-secret whsec_test`,
    )
    .action(async (options: SimulatorOptions) => done(await simulate(caller, options)))
}
