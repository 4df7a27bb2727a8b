/** The sandbox as the payment provider of a simulated world, with its ledger in the shop's database. */

import { type Database, statement } from '../../packages/holdfast/src/database/database.ts'
import { createSandboxGateway } from '../../packages/holdfast/src/payments/sandbox/sandbox.ts'
import { type NetworkOptions, throughNetwork } from './network.ts'
import type { Provider } from './provider.ts'
import type { Scheduler } from './scheduler.ts'

const forgetKey = statement('sim_forget_key', 'delete from holdfast_sandbox.requests where idempotency_key = $1')
const nextJob = statement(
  'sim_next_job',
  `select extract(epoch from min(due_at))::double precision * 1000 as due from holdfast_sandbox.jobs where due_at < 'infinity'`,
)

export interface SandboxProviderOptions {
  /** The connection of the ledger. */
  ledger: Database
  scheduler: Scheduler
  onWebhook(headers: Headers, body: string): void
  end(): AbortSignal
}

export function sandboxProvider({ ledger, scheduler, onWebhook, end }: SandboxProviderOptions): Provider {
  const gateway = createSandboxGateway({
    database: ledger,
    webhookSecret: 'shared by the gateway and the simulated shop',
    clock: () => scheduler.nowMs,
    // An authorization lasts longer than a lock, but ends within the time of a drain.
    delays: { lateMs: 60_000, pendingMs: 5_000, slowMs: 0, validForMs: 2 * 3_600_000 },
    deliverWebhook: async (headers, body) => onWebhook(headers, body),
  })
  let keys: NetworkOptions['keys'] = { refused: new Set(), seen: new Map() }
  return {
    name: 'sandbox',
    reach: ({ owner, faults }) =>
      throughNetwork(owner, {
        gateway,
        scheduler,
        faults,
        keys,
        forget: async key => {
          await ledger.query(forgetKey, [key])
        },
        end: end(),
      }),
    async decide(checkoutId, decision) {
      await gateway[decision](`sbx_${checkoutId}:authorize:1`)
    },
    dueAtMs: async () => (await ledger.query<{ due: number | null }>(nextJob))[0]?.due ?? null,
    runDueJobs: () => gateway.runDueJobs(),
    // The audit compares the ledger of the sandbox.
    violations: async () => [],
    begin() {
      keys = { refused: new Set(), seen: new Map() }
    },
    close: () => gateway.close(),
  }
}
