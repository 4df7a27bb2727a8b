/** How the tests run: one PostgreSQL server for the run, a process for each file, nothing retried. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    // Most of a test is waiting for a database: two at once are faster than one, also on two cores.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    coverage: { include: ['src/**'] },
  },
})
