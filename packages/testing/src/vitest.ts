/** The contract suites for vitest, an optional peer dependency. Other runners use the checks of the main entry. */
export { databaseContract } from './database/database-contract.ts'
export { type GatewayContractOptions, gatewayContract } from './gateway/gateway-contract.ts'
