/** The configuration of the tests: one PostgreSQL server per run, a few processes for all files, and no retries. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

interface TypeScriptConfig {
  compilerOptions: { paths: Record<string, [string]> }
}

const { compilerOptions } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as TypeScriptConfig

/** Resolves package names to the sources in tests. */
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
    // No file changes the modules of another, and statement names are unique, so a process can run several files.
    isolate: false,
    // Tests mostly wait for a database: three processes are faster than one, even on two cores.
    maxWorkers: 3,
    // Only a hanging test should time out: a machine may be busy, and an embedded database takes seconds to start.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    coverage: { include: ['packages/*/src/**'] },
  },
})
