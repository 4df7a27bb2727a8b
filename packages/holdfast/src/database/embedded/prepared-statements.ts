/**
 * Prepared statements on PGlite. Each is parsed and planned once, then bound and executed in one message. PGlite's own
 * `query` parses, describes, and plans at each call, in six messages.
 */
import { type messages, type PGlite, protocol } from '@electric-sql/pglite'
import { columnParsers } from '../column-types.ts'
import type { Statement, Value } from '../database.ts'

export interface Statements {
  /** @throws PGlite's error if the database refuses the statement. */
  run<Row>(statement: Statement, values: readonly Value[]): Promise<Row[]>
  /** Prepares every statement again. Needed after a script, which may have changed result types. */
  forget(): void
}

type Fields = messages.RowDescriptionMessage['fields']

const { serialize } = protocol

function element(value: string | number): string {
  return typeof value === 'number' ? String(value) : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

function textOf(value: Value): string | null {
  if (value === null || typeof value === 'string') return value
  return typeof value === 'object' ? `{${value.map(element).join()}}` : String(value)
}

function rowOf(fields: Fields, values: readonly (string | null)[]): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (const [index, { name, dataTypeID }] of fields.entries()) {
    const text = values[index] ?? null
    row[name] = text === null ? null : (columnParsers[dataTypeID] ?? String)(text)
  }
  return row
}

const preparing = ({ name, text }: Statement): Uint8Array[] => [
  // A statement that failed during execution still exists.
  serialize.close({ type: 'S', name }),
  serialize.parse({ name, text }),
  serialize.describe({ type: 'S', name }),
]

export function preparedStatements(engine: PGlite): Statements {
  const prepared = new Map<string, Fields>()

  async function run<Row>(statement: Statement, values: readonly Value[]): Promise<Row[]> {
    const { name } = statement
    let fields = prepared.get(name)
    const answers = await engine.execProtocolStream(
      Buffer.concat([
        ...(fields === undefined ? preparing(statement) : []),
        serialize.bind({ statement: name, values: values.map(textOf) }),
        serialize.execute({}),
        serialize.sync(),
      ]),
      { throwOnError: false, syncToFs: false },
    )
    const rows: unknown[] = []
    for (const answer of answers) {
      if (answer.name === 'rowDescription') fields = (answer as messages.RowDescriptionMessage).fields
      else if (answer.name === 'dataRow') rows.push(rowOf(fields ?? [], (answer as messages.DataRowMessage).fields))
      else if (answer.name === 'error') {
        prepared.delete(name)
        throw answer
      }
    }
    prepared.set(name, fields ?? [])
    return rows as Row[]
  }

  return {
    run: (statement, values) => engine.runExclusive(() => run(statement, values)),
    forget: () => prepared.clear(),
  }
}
