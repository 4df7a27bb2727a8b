/** Guards the names of statements: a name stands for one text, else a prepared statement would run another's. */
import { DatabaseError, type Statement } from './database.ts'

const textByName = new Map<string, string>()

/** Throws when a statement's name is already another statement's: a prepared statement would run the wrong text. */
export function checkName(statement: Statement): void {
  const known = textByName.get(statement.name)
  if (known === statement.text) return
  if (known !== undefined) {
    throw new DatabaseError(`two statements have the name ${statement.name}`, { code: 'statement_name' })
  }
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(statement.name)) {
    throw new DatabaseError(`not a statement name: ${statement.name}`, { code: 'statement_name' })
  }
  textByName.set(statement.name, statement.text)
}
