/** The database port, its two implementations, and migrations. The drivers are optional peers, loaded on use. */
export { type Database, DatabaseError, type Statement, statement, type Transaction, type Value } from './database.ts'
export { type RequestHandler, requestOfHolder } from './embedded/directory-lock.ts'
export { migrate, pendingMigrations } from './migrate.ts'
export { defaultDirectory, type OpenOptions, openDatabase } from './open.ts'
