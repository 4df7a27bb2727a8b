/** A strict simulator of Stripe's payment API: in this process, or as a server on the loopback interface. */
export { type StripeSimulatorServer, type StripeSimulatorServerOptions, startStripeSimulator } from './api/server.ts'
export type { DeliverStripeWebhook, StripeWebhookEndpoint } from './api/webhook-endpoint.ts'
export { createStripeSimulator, type StripeSimulatorOptions } from './create-simulator.ts'
export type { PlannedFault, StripeFault, StripeFaults, WebhookFault, WebhookFaults } from './faults/faults.ts'
export type { StripeSimulator } from './stripe-simulator.ts'
export type { Books, Effect } from './world/books.ts'
