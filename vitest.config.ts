/** How the tests run: one PostgreSQL server for the run, a few processes for all files, nothing retried. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    // No file changes what another imports, and names of statements differ: a process serves one after the other.
    isolate: false,
    // Most of a test is waiting for a database: two at once are faster than one, also on two cores.
    maxWorkers: 3,
    // Only what hangs is to be ended: a machine may be busy, and an embedded database takes seconds to start.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    coverage: { include: ['src/**'] },
  },
})
