/**
 * A transaction that holds back its log lines until it commits. A transaction that rolls back logs nothing, and one that
 * is retried logs once. The context passed to `work` has the buffering log.
 */

import type { Transaction } from '../database/database.ts'
import type { SagaContext, SagaLog } from './context.ts'

export async function transaction<Result>(
  context: SagaContext,
  work: (tx: Transaction, context: SagaContext) => Promise<Result>,
): Promise<Result> {
  const { db, log } = context
  let lines: (() => void)[] = []
  const buffer: SagaLog = {
    info: (message, fields) => void lines.push(() => log.info(message, fields)),
    warn: (message, fields) => void lines.push(() => log.warn(message, fields)),
    error: (message, fields) => void lines.push(() => log.error(message, fields)),
  }
  const inside: SagaContext = { ...context, log: buffer }
  const result = await db.transaction(tx => {
    lines = []
    return work(tx, inside)
  })
  for (const write of lines) write()
  return result
}
