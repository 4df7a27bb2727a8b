/** The test kit: contract checks, crash points, a PostgreSQL server, and a faulty network. Needs no test runner. */
export { type CrashPoint, type KillableProcess, killableProcess } from './crash-points.ts'
export {
  type DatabaseCheck,
  type DatabaseUnderTest,
  databaseChecks,
  type OpenedDatabase,
} from './database/database-checks.ts'
export { freePort } from './free-port.ts'
export type { GatewayBooks, GatewayTokens, GatewayUnderTest } from './gateway/gateway-buyer.ts'
export type { GatewayCheck } from './gateway/gateway-check.ts'
export { checkGateway, gatewayChecks, missingRequirement } from './gateway/gateway-checks.ts'
export { createTestDatabase, dropTestDatabase, startTestPostgres, type TestPostgres } from './postgres/test-postgres.ts'
export { type Breakage, startTcpProxy, type TcpProxy } from './tcp-proxy.ts'
