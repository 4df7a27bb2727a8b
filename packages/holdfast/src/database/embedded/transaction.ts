/** One attempt at a transaction on PGlite. It reports a commit only if COMMIT was answered with COMMIT. */
import { setImmediate as otherTurn } from 'node:timers/promises'
import type { PGlite } from '@electric-sql/pglite'
import type { DatabaseError, Statement, Transaction, Value } from '../database.ts'
import { rolledBackAtCommit, transactionEnded } from '../driver-errors.ts'
import { checkName } from '../statement-names.ts'
import { embeddedErrorFrom } from './start-pglite.ts'

/** Runs one statement on the engine. @throws {DatabaseError} */
export type RunStatement = <Row>(statement: Statement, values: readonly Value[]) => Promise<Row[]>

/** The caller must run attempts one at a time. @throws what `work` threw, or the first error of its statements. */
export async function attempt<T>(
  engine: PGlite,
  runStatement: RunStatement,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const answers: Promise<unknown>[] = []
  const first: { error: DatabaseError | null } = { error: null }
  let isOpen = true

  function run<Row>(statement: Statement, values: readonly Value[]): Promise<Row[]> {
    if (!isOpen) throw transactionEnded()
    checkName(statement)
    const answer = runStatement<Row>(statement, values).catch((error: DatabaseError) => {
      if (error.code === 'unsafe_integer') throw error
      first.error ??= error
      throw first.error
    })
    answer.catch(() => {})
    answers.push(answer)
    return answer
  }

  const tx: Transaction = {
    query: <Row>(statement: Statement, values: readonly Value[] = []) => run<Row>(statement, values),
    send(statement, values = []) {
      run(statement, values)
    },
  }
  // PGlite never yields to the event loop. Pending arrivals are read here and join the same set; without this pause a
  // crowd would be served one by one.
  await otherTurn()
  await engine.exec('begin')
  let value: T
  try {
    value = await work(tx)
  } catch (error) {
    isOpen = false
    await Promise.allSettled(answers)
    await engine.exec('rollback')
    throw error
  }
  isOpen = false
  await Promise.allSettled(answers)
  if (first.error !== null) {
    await engine.exec('rollback')
    throw first.error
  }
  await commit(engine)
  return value
}

async function commit(engine: PGlite): Promise<void> {
  const [answer] = await engine.exec('commit').catch((error: unknown) => {
    throw embeddedErrorFrom(error)
  })
  if (answer?.command !== 'COMMIT') {
    throw rolledBackAtCommit()
  }
}
