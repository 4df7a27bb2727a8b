/**
 * Execution of batches of requests and lookups on the ledger. Requests run in one transaction: lock the payments, decide each
 * request in order of arrival, write the changes. Every answer is durable before it is returned.
 */
import type { Database } from '../../database/database.ts'
import type { LookupAnswer, LookupRequest } from '../gateway.ts'
import { lookupAnswer } from './answers.ts'
import { type Decision, decide } from './decide.ts'
import {
  findPayments,
  findRequests,
  lockBatch,
  type SandboxClock,
  type SandboxJob,
  transact,
  writeBatch,
} from './ledger.ts'
import {
  type EarlierRequest,
  referenceOf,
  type SandboxPayment,
  type SandboxRequest,
  type SandboxSettings,
} from './payment.ts'

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
    const { payments, requests: earlier, nowMs } = await lockBatch(tx, references, keys, clock)
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
    writeBatch(tx, {
      created: [...touched.values()].filter(payment => !known.has(payment.reference)),
      changed: [...touched.values()].filter(payment => known.has(payment.reference)),
      requests: remembered,
      jobs,
      nowMs,
    })
    return replies
  })
}

/** Answers a batch of lookups from the ledger. */
export async function lookUpRequests(
  database: Database,
  wanted: readonly LookupRequest[],
  settings: SandboxSettings,
): Promise<LookupAnswer[]> {
  const requests = await findRequests(
    database,
    wanted.flatMap(({ kind, idempotencyKey }) => (kind === 'authorize' ? [] : [idempotencyKey])),
  )
  const referenceFor = ({ kind, idempotencyKey, reference }: LookupRequest) =>
    kind === 'authorize'
      ? (reference ?? referenceOf(idempotencyKey))
      : (requests.get(idempotencyKey)?.reference ?? reference)
  const payments = await findPayments(
    database,
    wanted.flatMap(one => referenceFor(one) ?? []),
  )
  return wanted.map(one => {
    const payment = payments.get(referenceFor(one) ?? '') ?? null
    return lookupAnswer(one, payment, requests.get(one.idempotencyKey) ?? null, settings)
  })
}
