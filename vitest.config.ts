/** How the tests run: one PostgreSQL server for the run, a few processes for all files, nothing retried. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

interface TypeScriptConfig {
  compilerOptions: { paths: Record<string, [string]> }
}

const { compilerOptions } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as TypeScriptConfig

/** Packages import each other by name; in tests the names lead to the sources. */
const alias = Object.entries(compilerOptions.paths).map(([name, [file]]) => ({
  find: new RegExp(`^${name}$`),
  replacement: fileURLToPath(new URL(file, import.meta.url)),
}))

export default defineConfig({
  resolve: { alias },
  test: {
    include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'proofs/test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    // No file changes what another imports, and names of statements differ: a process runs one file after the other.
    isolate: false,
    // Most of a test is waiting for a database: three at once are faster than one, even on two cores.
    maxWorkers: 3,
    // Only a test that hangs is ended: a machine may be busy, and an embedded database takes seconds to start.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    coverage: { include: ['packages/*/src/**'] },
  },
})
