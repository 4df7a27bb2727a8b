/** Both implementations of the database port pass its contract. */
import { databaseContract } from '../../../testing/src/database/database-contract.ts'
import { openTestDatabase } from '../support/test-database.ts'

databaseContract('postgres', () => openTestDatabase('postgres', { migrated: false }))
databaseContract('embedded', () => openTestDatabase('embedded', { migrated: false }))
