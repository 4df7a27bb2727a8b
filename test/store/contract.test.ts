/** Both databases keep the promises of the port. */
import { databaseContract } from '../../src/testing/database-contract.ts'
import { openTestDatabase } from '../../src/testing/test-database.ts'

databaseContract('postgres', () => openTestDatabase('postgres', { migrated: false }))
databaseContract('embedded', () => openTestDatabase('embedded', { migrated: false }))
