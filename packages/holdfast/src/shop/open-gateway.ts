/** Opens the payment gateway that the configuration names. */
import { createHmac } from 'node:crypto'
import type { CheckoutConfig } from '../config/checkout-config.ts'
import type { Database } from '../database/database.ts'
import { openDatabase } from '../database/open.ts'
import { loadPeer } from '../optional-peer.ts'
import type { PaymentGateway } from '../payments/gateway.ts'
import { createInvoiceGateway } from '../payments/invoice/invoice.ts'
import type { DeliverWebhook } from '../payments/sandbox/jobs.ts'
import { createSandboxGateway, type SandboxGateway } from '../payments/sandbox/sandbox.ts'

export interface OpenGateway {
  gateway: PaymentGateway
  /** The gateway, if it is the sandbox: its buyers confirm on a page of this shop. */
  sandbox: SandboxGateway | null
  /** Starts the gateway's background work. Call it once the engine exists, and only in long-running processes. */
  start(): void
  close(): Promise<void>
}

export interface GatewayOptions {
  /** A gateway of the application, which also starts and closes it. */
  given: PaymentGateway | undefined
  database: Database
  config: CheckoutConfig & { secret: string }
  /** Where the sandbox sends its webhooks. */
  deliverWebhook: DeliverWebhook
  /** Called for a checkout whose invoice is paid, repeatedly until it is captured. */
  onPaid(checkoutId: string): Promise<unknown>
}

const isSandbox = (gateway: PaymentGateway): gateway is SandboxGateway =>
  gateway.name === 'sandbox' && 'approve' in gateway && 'runDueJobs' in gateway

export async function openGateway(options: GatewayOptions): Promise<OpenGateway> {
  const { given } = options
  if (given !== undefined) {
    return { gateway: given, sandbox: isSandbox(given) ? given : null, start: () => {}, close: async () => {} }
  }
  switch (options.config.gateway) {
    case 'sandbox':
      return openSandbox(options)
    case 'stripe':
      return openStripe(options.config)
    case 'invoice':
      return openInvoices(options)
    default:
      return options.config.gateway satisfies never
  }
}

async function openSandbox({ database, config, deliverWebhook }: GatewayOptions): Promise<OpenGateway> {
  const ledger = config.databaseUrl === null ? null : await openDatabase({ url: config.databaseUrl, poolMax: 4 })
  const sandbox = createSandboxGateway({
    database: ledger ?? database,
    // Derived, so that it is equal in all processes of the shop: any of them may deliver or receive a webhook.
    webhookSecret: createHmac('sha256', config.secret).update('sandbox webhooks').digest('hex'),
    deliverWebhook,
  })
  return {
    gateway: sandbox,
    sandbox,
    start: () => sandbox.start(),
    async close() {
      await sandbox.close()
      await ledger?.close()
    },
  }
}

/** @throws {MissingPeerError} if the SDK is not installed; {Error} if no key is set. */
async function openStripe(config: CheckoutConfig): Promise<OpenGateway> {
  const { stripeSecretKey: secretKey, stripeWebhookSecret, stripePublishableKey: publishableKey, stripeApiUrl } = config
  if (secretKey === null) throw new Error('STRIPE_SECRET_KEY is not set')
  const { createStripeGateway } = await loadPeer('stripe', () => import('../payments/stripe/stripe.ts'))
  const gateway = createStripeGateway({
    secretKey,
    publishableKey,
    webhookSecret: (stripeWebhookSecret ?? '').split(',').map(secret => secret.trim()),
    ...(stripeApiUrl === null ? {} : { apiUrl: stripeApiUrl }),
  })
  return { gateway, sandbox: null, start: () => {}, close: async () => {} }
}

function openInvoices({ database, config, onPaid }: GatewayOptions): OpenGateway {
  const { invoiceDueDays: dueDays, invoiceIban: iban, invoiceAccountHolder: accountHolder } = config
  const gateway = createInvoiceGateway({ database, dueDays, iban, accountHolder, onPaid })
  return { gateway, sandbox: null, start: () => gateway.start(), close: () => gateway.close() }
}
