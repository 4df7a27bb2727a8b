/**
 * A transaction whose lines of the log wait for its commit: none tells of what was undone, and what runs again tells
 * once. Inside it the context's log is the one that waits.
 */
import type { Transaction } from '../database/database.ts'
import type { SagaContext, SagaLog } from './context.ts'

export async function transaction<Result>(
  context: SagaContext,
  work: (tx: Transaction, context: SagaContext) => Promise<Result>,
): Promise<Result> {
  const { db, log } = context
  let lines: (() => void)[] = []
  const waiting: SagaLog = {
    info: (message, fields) => void lines.push(() => log.info(message, fields)),
    warn: (message, fields) => void lines.push(() => log.warn(message, fields)),
    error: (message, fields) => void lines.push(() => log.error(message, fields)),
  }
  const inside: SagaContext = { ...context, log: waiting }
  const result = await db.transaction(tx => {
    lines = []
    return work(tx, inside)
  })
  for (const write of lines) write()
  return result
}
