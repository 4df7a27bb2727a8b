/** What an application imports: the engine, its values and its errors. */

export type { AlertCode, CheckoutAlert } from './checkout/alert.ts'
export type { Address, Cart, CartLine } from './checkout/cart.ts'
export type { CheckoutEvent, CheckoutEventName, CheckoutEvents } from './checkout/events.ts'
export { CheckoutError, type CheckoutErrorCode, type Failure } from './checkout/failure.ts'
export { type CheckoutLock, describeLock, type LockStatus } from './checkout/lock.ts'
export type { Order, OrderDispute, OrderLine, OrderStatus } from './checkout/order.ts'
export { type Outcome, type RequiredAction, requireOrder } from './checkout/outcome.ts'
export type { PricingTerms } from './checkout/pricing.ts'
export type { Quote, QuotedLine } from './checkout/quote.ts'
export type { RefundedLine, RefundLine } from './checkout/refund.ts'
export { type CheckoutState, type PhaseName, phaseNames, type RestingState, stateName } from './checkout/states.ts'
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
} from './checkout-engine.ts'
export { type CheckoutConfig, ConfigError, configFromEnvironment, defaultConfig } from './config.ts'
export { type CheckoutOptions, createCheckout } from './engine.ts'
export {
  type DeliveryContext,
  joinListeners,
  type ListenerFunction,
  type ListenerMap,
  type ListenerObject,
} from './events/listeners.ts'
export { PermanentFailure } from './events/permanent-failure.ts'
export { type CheckoutLog, createLog } from './observe/log.ts'
export { createMetrics, type Metrics, type MetricsOptions } from './observe/metrics.ts'
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
export { createSandboxGateway, type SandboxGateway, type SandboxOptions } from './payments/sandbox.ts'
export { type Database, DatabaseError } from './store/database.ts'
export { openDatabase } from './store/open.ts'
