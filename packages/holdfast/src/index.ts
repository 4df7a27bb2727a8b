/** Entry point `holdfast`: the engine, its types, and its errors. */

export type { CheckoutConfig } from './config/checkout-config.ts'
export { ConfigError, configFromEnvironment, defaultConfig } from './config/config.ts'
export { type Database, DatabaseError } from './database/database.ts'
export { openDatabase } from './database/open.ts'
export type { AlertCode, CheckoutAlert } from './domain/alert.ts'
export type { Address, Cart, CartLine } from './domain/cart.ts'
export { inGroups, readReference } from './domain/creditor-reference.ts'
export type { CheckoutEvent, CheckoutEventName, CheckoutEvents } from './domain/events.ts'
export { CheckoutError, type CheckoutErrorCode, type Failure } from './domain/failure.ts'
export { type CheckoutLock, describeLock, type LockStatus, phaseToShow } from './domain/lock.ts'
export { currencyDecimals, formatMoney, parseDecimal } from './domain/money.ts'
export type { Order, OrderDispute, OrderLine, OrderStatus } from './domain/order.ts'
export { type Outcome, type RequiredAction, requireOrder } from './domain/outcome.ts'
export type { PricingTerms } from './domain/pricing.ts'
export type { Quote, QuotedLine } from './domain/quote.ts'
export type { RefundedLine, RefundLine } from './domain/refund.ts'
export {
  type CheckoutState,
  isFinal,
  type PhaseName,
  phaseNames,
  phaseOf,
  type RestingState,
  stateName,
} from './domain/states.ts'
export type {
  AuditReport,
  CheckoutChange,
  CheckoutEngine,
  CheckoutStatus,
  Diagnosis,
  Difference,
  DifferenceKind,
  HealthCheck,
  HealthReport,
  PaymentInput,
  ReadinessReport,
  ReconcileOptions,
  ReconcileReport,
  RefundOptions,
  RefundOutcome,
  StartOptions,
  Statistics,
  TimelineEntry,
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
export { type CheckoutLog, createLog, silentLog } from './observe/log/log.ts'
export type { EngineMetrics } from './observe/metrics/port.ts'
export { MissingPeerError } from './optional-peer.ts'
export type {
  AuthorizeRequest,
  CaptureRequest,
  GatewayAnswer,
  GatewayPayment,
  LookupAnswer,
  LookupRequest,
  OperationKind,
  PaymentGateway,
  PaymentMethod,
  RefundRequest,
  VoidRequest,
  WebhookEvent,
} from './payments/gateway.ts'
export type { SandboxFault } from './payments/sandbox/faults.ts'
export { createSandboxGateway, type SandboxGateway, type SandboxOptions } from './payments/sandbox/sandbox.ts'
export type { Clock } from './saga/context.ts'
