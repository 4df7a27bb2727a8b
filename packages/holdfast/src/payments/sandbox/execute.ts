/**
 * Execution of a set of requests in one transaction of the ledger: lock the set, decide each request in order of
 * arrival, write the set. Every answer is durable before it is returned.
 */
import type { Database } from '../../database/database.ts'
import { type Decision, decide } from './decide.ts'
import { lockSet, type SandboxClock, type SandboxJob, transact, writeSet } from './ledger.ts'
import type { EarlierRequest, SandboxPayment, SandboxRequest, SandboxSettings } from './payment.ts'

export type Reply = Pick<Decision, 'answer' | 'delivery'>

export function executeRequests(
  database: Database,
  requests: readonly SandboxRequest[],
  settings: SandboxSettings,
  clock: SandboxClock,
): Promise<Reply[]> {
  const references = [...new Set(requests.map(request => request.reference))]
  const keys = [...new Set(requests.map(request => request.idempotencyKey))]
  return transact(database, async tx => {
    const { payments, requests: earlier, nowMs } = await lockSet(tx, references, keys, clock)
    const known = new Set(payments.keys())
    const touched = new Map<string, SandboxPayment>()
    const remembered: EarlierRequest[] = []
    const jobs: SandboxJob[] = []
    const replies = requests.map(request => {
      const { reference, idempotencyKey } = request
      const { answer, delivery, effect } = decide(
        request,
        payments.get(reference) ?? null,
        earlier.get(idempotencyKey) ?? null,
        nowMs,
        settings,
      )
      if (effect.payment !== null) {
        payments.set(reference, effect.payment)
        touched.set(reference, effect.payment)
      }
      if (effect.remember !== null) {
        earlier.set(idempotencyKey, effect.remember)
        remembered.push(effect.remember)
      }
      if (effect.settleInMs !== null) {
        jobs.push({ kind: 'settle', reference, payload: {}, dueAtMs: nowMs + effect.settleInMs })
      }
      return { answer, delivery }
    })
    writeSet(tx, {
      created: [...touched.values()].filter(payment => !known.has(payment.reference)),
      changed: [...touched.values()].filter(payment => known.has(payment.reference)),
      requests: remembered,
      jobs,
      nowMs,
    })
    return replies
  })
}
