/** What adopters and the project's own tests use: contract suites for ports, a PostgreSQL server, and a Stripe simulator. */

export {
  type StripeSimulatorServer,
  type StripeSimulatorServerOptions,
  startStripeSimulator,
} from '../../stripe-simulator/src/api/server.ts'
export type { DeliverStripeWebhook, StripeWebhookEndpoint } from '../../stripe-simulator/src/api/webhook-endpoint.ts'
export type {
  PlannedFault,
  StripeFault,
  StripeFaults,
  WebhookFault,
  WebhookFaults,
} from '../../stripe-simulator/src/faults/faults.ts'
export {
  createStripeSimulator,
  type StripeSimulator,
  type StripeSimulatorOptions,
} from '../../stripe-simulator/src/simulator.ts'
export type { Books, Effect } from '../../stripe-simulator/src/world/books.ts'
export { databaseContract } from './database/database-contract.ts'
export { gatewayContract } from './gateway/gateway-contract.ts'
export { startTestPostgres, type TestPostgres } from './postgres/test-postgres.ts'
