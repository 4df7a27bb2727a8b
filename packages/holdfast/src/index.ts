/** What an application imports: the engine, its values and its errors. */

export { type CheckoutConfig, ConfigError, configFromEnvironment, defaultConfig } from './config/config.ts'
export { type Database, DatabaseError } from './database/database.ts'
export { openDatabase } from './database/open.ts'
export type { AlertCode, CheckoutAlert } from './domain/alert.ts'
export type { Address, Cart, CartLine } from './domain/cart.ts'
export type { CheckoutEvent, CheckoutEventName, CheckoutEvents } from './domain/events.ts'
export { CheckoutError, type CheckoutErrorCode, type Failure } from './domain/failure.ts'
export { type CheckoutLock, describeLock, type LockStatus } from './domain/lock.ts'
export type { Order, OrderDispute, OrderLine, OrderStatus } from './domain/order.ts'
export { type Outcome, type RequiredAction, requireOrder } from './domain/outcome.ts'
export type { PricingTerms } from './domain/pricing.ts'
export type { Quote, QuotedLine } from './domain/quote.ts'
export type { RefundedLine, RefundLine } from './domain/refund.ts'
export { type CheckoutState, type PhaseName, phaseNames, type RestingState, stateName } from './domain/states.ts'
export type {
  AuditReport,
  CheckoutChange,
  CheckoutEngine,
  CheckoutStatus,
  Diagnosis,
  Difference,
  DifferenceKind,
  HealthReport,
  PaymentInput,
  ReadinessReport,
  ReconcileOptions,
  ReconcileReport,
  RefundOptions,
  RefundOutcome,
  StartOptions,
  Statistics,
} from './engine/checkout-engine.ts'
export { type CheckoutOptions, createCheckout } from './engine/create-checkout.ts'
export {
  type DeliveryContext,
  joinListeners,
  type ListenerFunction,
  type ListenerMap,
  type ListenerObject,
} from './events/listeners.ts'
export { PermanentFailure } from './events/permanent-failure.ts'
export { type CheckoutLog, createLog } from './observe/log/log.ts'
export { createMetrics, type Metrics, type MetricsOptions } from './observe/metrics/metrics.ts'
export type {
  AuthorizeRequest,
  CaptureRequest,
  GatewayAnswer,
  GatewayPayment,
  LookupAnswer,
  LookupRequest,
  PaymentGateway,
  RefundRequest,
  VoidRequest,
  WebhookEvent,
} from './payments/gateway.ts'
export { createSandboxGateway, type SandboxGateway, type SandboxOptions } from './payments/sandbox/sandbox.ts'
