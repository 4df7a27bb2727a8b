/** The sandbox that an engine without a gateway brings along, with its ledger on connections of its own. */
import type { PaymentGateway } from './payments/gateway.ts'
import { createSandboxGateway } from './payments/sandbox.ts'
import type { DeliverWebhook } from './payments/sandbox-jobs.ts'
import type { Database } from './store/database.ts'
import { openDatabase } from './store/open.ts'

interface OwnSandbox {
  gateway: ReturnType<typeof createSandboxGateway>
  close(): Promise<void>
}

/** None where a gateway is `given`. */
export async function ownSandbox(
  given: PaymentGateway | undefined,
  db: Database,
  url: string | undefined,
  deliverWebhook: DeliverWebhook,
): Promise<OwnSandbox | { gateway: never; close(): Promise<void> }> {
  if (given !== undefined) return { gateway: undefined as never, close: async () => {} }
  const ledger = url === undefined || db.kind === 'embedded' ? null : await openDatabase({ url, poolMax: 4 })
  const gateway = createSandboxGateway({ database: ledger ?? db, deliverWebhook })
  return {
    gateway,
    async close() {
      await gateway.close()
      await ledger?.close()
    },
  }
}
