/** The calls for operators and background work: recovery, cleanup, reconciliation, audit, health, statistics. */
import { audit } from '../observe/audit/audit.ts'
import { diagnose } from '../observe/diagnosis/diagnose.ts'
import { statistics } from '../observe/diagnosis/statistics.ts'
import { createHealth } from '../observe/health/health.ts'
import { createReadiness } from '../observe/health/readiness.ts'
import type { CheckoutEngine } from './checkout-engine.ts'
import type { EngineParts } from './engine-parts.ts'

type OperatorCalls = Pick<
  CheckoutEngine,
  | 'cleanupExpiredLocks'
  | 'pruneWebhooks'
  | 'recover'
  | 'reconcile'
  | 'statistics'
  | 'diagnose'
  | 'audit'
  | 'health'
  | 'readiness'
>

export function operatorCalls(parts: EngineParts): OperatorCalls {
  const { admission, config, database, gatewayWindow, recoverer, reconciler, webhookPruner } = parts
  const { gateway } = parts.context
  const { admit } = admission
  const isEnding = () => admission.isClosed
  const hasBooks = gateway.list !== undefined && gateway.inspect !== undefined
  return {
    cleanupExpiredLocks: () => admit(() => recoverer.expireOnce()),
    pruneWebhooks: () => admit(() => webhookPruner.runOnce()),
    recover: () => admit(() => recoverer.runOnce()),
    reconcile: options => admit(() => reconciler.reconcile(options)),
    statistics: (options = {}) => statistics(database, options),
    diagnose: lockId => diagnose(database, lockId),
    audit: (options = {}) =>
      audit(database, { ...options, ...(gateway.name === 'sandbox' ? { ledger: 'sandbox' as const } : {}) }),
    health: createHealth({
      database,
      captureTimeoutSeconds: config.paymentCaptureTimeoutSeconds,
      reconciles: hasBooks ? { gateway: gateway.name, everyMs: config.reconcileIntervalMinutes * 60_000 } : null,
      gatewayWindow,
      isEnding,
    }),
    readiness: createReadiness(database, isEnding),
  }
}
