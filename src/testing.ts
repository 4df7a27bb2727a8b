/** What adopters and the project's own tests use: contract suites for ports, and a PostgreSQL server for tests. */
export { databaseContract } from './testing/database-contract.ts'
export { gatewayContract } from './testing/gateway-contract.ts'
export { startTestPostgres, type TestPostgres } from './testing/test-postgres.ts'
