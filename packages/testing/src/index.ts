/** The test kit: contract suites for gateways and databases, crash points, and a PostgreSQL server for tests. */
export { databaseContract } from './database/database-contract.ts'
export { gatewayContract } from './gateway/gateway-contract.ts'
export { type Mortal, mortal } from './interception.ts'
export { startTestPostgres, type TestPostgres } from './postgres/test-postgres.ts'
