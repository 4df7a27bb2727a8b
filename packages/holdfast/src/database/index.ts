/** The database port, its two implementations, and the migrations. The drivers are optional peers, loaded on use. */
export { type Database, DatabaseError, type Statement, statement, type Transaction, type Value } from './database.ts'
export { requestOfHolder } from './embedded/command-client.ts'
export type { RequestHandler } from './embedded/command-server.ts'
export { migrate, pendingMigrations } from './migrate.ts'
export { defaultDirectory, type OpenOptions, openDatabase } from './open.ts'
