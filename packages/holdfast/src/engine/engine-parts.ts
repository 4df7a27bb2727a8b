/** The parts of an engine that its calls share. `create-checkout.ts` composes them once per engine. */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import type { Database } from '../database/database.ts'
import type { GatewayWindow } from '../observe/health/gateway-window.ts'
import type { Correlation } from '../observe/log/correlation.ts'
import type { CheckoutLog } from '../observe/log/log.ts'
import type { Reconciler } from '../reconcile/reconciler.ts'
import type { Conductor } from '../saga/conductor.ts'
import type { SagaContext } from '../saga/context.ts'
import type { Lanes } from '../saga/lanes.ts'
import type { Recoverer } from '../saga/workers/recoverer.ts'
import type { WebhookPruner } from '../saga/workers/webhook-pruner.ts'
import type { Admission } from './admission.ts'

export interface EngineParts {
  config: CheckoutConfig
  database: Database
  log: Required<CheckoutLog>
  admission: Admission
  correlation: Correlation
  context: SagaContext
  lanes: Lanes
  conductor: Conductor
  recoverer: Recoverer
  reconciler: Reconciler
  webhookPruner: WebhookPruner
  /** What this process saw of the gateway in the last minutes. */
  gatewayWindow: GatewayWindow
}
