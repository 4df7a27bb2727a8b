/** The default gateway of an engine that is given none: a sandbox with its own connections to the database. */

import type { Database } from '../../database/database.ts'
import { openDatabase } from '../../database/open.ts'
import type { PaymentGateway } from '../gateway.ts'
import type { DeliverWebhook } from './jobs.ts'
import { createSandboxGateway } from './sandbox.ts'

interface OwnSandbox {
  gateway: ReturnType<typeof createSandboxGateway>
  close(): Promise<void>
}

/** Opens nothing if a gateway is `given`. */
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
