/** The numbers of an engine: derived from its configuration, then replaced by the option `numbers`. */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import type { SagaNumbers } from '../saga/context.ts'

export interface EngineNumbers extends SagaNumbers {
  /** How long a call waits for a checkout that another process works on before it returns `processing`, milliseconds. */
  answerWithinMs: number
  /** Pause between two recovery passes, milliseconds. */
  recoverEveryMs: number
}

/** How long before its end an authorization that waits for its capture is voided. */
const captureMarginMs = 3_600_000
const gatewayTimeoutMaxMs = 10_000

export function numbersOf(config: CheckoutConfig, replaced: Partial<EngineNumbers> = {}): EngineNumbers {
  return {
    baseCurrency: config.currency,
    holdOn: config.holdOn,
    preventConcurrent: config.preventConcurrent,
    leaseMs: config.leaseSeconds * 1000,
    // A worker calls the gateway up to four times under one lease.
    gatewayTimeoutMs: Math.min(gatewayTimeoutMaxMs, (config.leaseSeconds * 1000) / 4),
    authorizationTimeoutMs: config.paymentAuthTimeoutSeconds * 1000,
    captureTimeoutMs: config.paymentCaptureTimeoutSeconds * 1000,
    captureMarginMs,
    priceDriftToleranceMinor: config.priceDriftToleranceMinor,
    batchMax: 96,
    queueMax: 10_000,
    answerWithinMs: 20_000,
    recoverEveryMs: 1_000,
    ...replaced,
  }
}
