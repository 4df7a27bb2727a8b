/** Prepares both databases once per test run: a PostgreSQL server with a migrated template, and an embedded archive. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { migrate } from '../packages/holdfast/src/database/migrate.ts'
import { connectPostgres } from '../packages/holdfast/src/database/postgres/postgres.ts'
import { prepareEmbeddedTemplate } from '../packages/holdfast/test/support/embedded-template.ts'
import { scratchDirectory } from '../packages/testing/src/postgres/scratch-directory.ts'
import { runAfterExit } from '../packages/testing/src/run-after-exit.ts'
import '../packages/holdfast/test/support/test-database.ts'
import { startTestPostgres, type TestPostgres } from '../packages/testing/src/postgres/test-postgres.ts'
import { buildProgram } from './built-program.ts'

const templateName = 'holdfast_template'
let server: TestPostgres | null = null
let scratch = ''
let removeProgram = (): void => {}

/** Returns an error as a value: a broken migration fails only the tests that need the schema, each with the reason. */
async function orFailure<T extends object>(work: Promise<T>): Promise<T | { failure: string }> {
  return work.catch((error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }))
}

async function preparePostgres(running: TestPostgres): Promise<{ name: string }> {
  const administrator = await connectPostgres({ url: running.url(), poolMax: 1 })
  try {
    await administrator.execute(`create database ${templateName}`)
  } finally {
    await administrator.close()
  }
  const template = await connectPostgres({ url: running.url(templateName), poolMax: 1 })
  try {
    await migrate(template)
  } finally {
    await template.close()
  }
  return { name: templateName }
}

/** Sets one temporary folder for all tests, in memory if there is room. It is removed when this process ends. */
async function prepareScratch(): Promise<void> {
  scratch = await mkdtemp(path.join(scratchDirectory(), 'holdfast-tests-'))
  // A PostgreSQL server that does not run as root must be able to enter its folder.
  await chmod(scratch, 0o711)
  runAfterExit('rm -rf "$1"', scratch)
  process.env.TMPDIR = scratch
}

export async function setup(project: TestProject): Promise<void> {
  await prepareScratch()
  const archive = orFailure(prepareEmbeddedTemplate().then(file => ({ file })))
  removeProgram = await buildProgram(project)
  server = await startTestPostgres()
  project.provide('postgresUrl', server.url())
  project.provide('postgresTemplate', await orFailure(preparePostgres(server)))
  project.provide('embeddedTemplate', await archive)
}

export async function teardown(): Promise<void> {
  await server?.stop()
  removeProgram()
  await rm(scratch, { recursive: true, force: true })
}
