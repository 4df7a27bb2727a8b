/** Keeps statement names unique: if two texts shared a name, a prepared statement would run the wrong text. */
import { DatabaseError, type Statement } from './database.ts'

const textByName = new Map<string, string>()

/** @throws {DatabaseError} `statement_name` if the name is malformed or already has a different text. */
export function checkName(statement: Statement): void {
  const known = textByName.get(statement.name)
  if (known === statement.text) return
  if (known !== undefined) {
    throw new DatabaseError(`statement name "${statement.name}" is already used for a different text`, {
      code: 'statement_name',
    })
  }
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(statement.name)) {
    throw new DatabaseError(
      `invalid statement name "${statement.name}"; use lower_snake_case of at most 63 characters`,
      { code: 'statement_name' },
    )
  }
  textByName.set(statement.name, statement.text)
}
