/** What adopters and the project's own tests use: contract suites for ports, a PostgreSQL server, and a Stripe simulator. */
export { databaseContract } from './testing/database-contract.ts'
export { gatewayContract } from './testing/gateway-contract.ts'
export type { Books, Effect } from './testing/stripe/books.ts'
export type { PlannedFault, StripeFault, StripeFaults, WebhookFault, WebhookFaults } from './testing/stripe/faults.ts'
export {
  type StripeSimulatorServer,
  type StripeSimulatorServerOptions,
  startStripeSimulator,
} from './testing/stripe/server.ts'
export {
  createStripeSimulator,
  type StripeSimulator,
  type StripeSimulatorOptions,
} from './testing/stripe/simulator.ts'
export type { DeliverStripeWebhook, StripeWebhookEndpoint } from './testing/stripe/webhook-endpoint.ts'
export { startTestPostgres, type TestPostgres } from './testing/test-postgres.ts'
