/** The program built once for a run of tests: a process of it starts in a third of the time that the sources take. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { placeCluster } from '../packages/holdfast/src/database/embedded/prepared-cluster.ts'
import { lastWill } from '../packages/testing/src/postgres/last-will.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** `holdfast`, for `spawn(process.execPath, [main, ...args])`. */
    main: string
  }
}

const root = join(import.meta.dirname, '..')

/** Gives the way to remove it. It stands beside `dist`, as deep: a build at the same time cannot tear it. */
export async function buildProgram(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(root, '.test-build-'))
  lastWill('rm -rf "$1"', folder)
  const main = join(folder, 'cli/main.js')
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', folder]
  const options = ['--declaration', 'false', '--sourceMap', 'false']
  // Types are for `npm run check`: what has a mistake in them is built all the same. A program that could not be built
  // fails the tests that start it, and no others.
  await promisify(execFile)(process.execPath, [...tsc, ...options], { cwd: root }).catch((error: Error) => {
    if (!existsSync(main)) process.stderr.write(`the program could not be built: ${error.message}\n`)
  })
  // Without it its first starts only take longer.
  await placeCluster(join(folder, 'store')).catch((error: Error) => {
    process.stderr.write(`no prepared cluster: ${error.message}\n`)
  })
  project.provide('main', main)
  return () => rmSync(folder, { recursive: true, force: true })
}
