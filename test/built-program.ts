/**
 * Builds the packages once per test run, laid out as an installation. Processes of the built command start in a third of
 * the time that the sources need, and they run what is published.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { placeCluster } from '../packages/holdfast/src/database/embedded/prepared-cluster.ts'
import { runAfterExit } from '../packages/testing/src/run-after-exit.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of `holdfast`, for `spawn(process.execPath, [main, ...args])`. */
    main: string
  }
}

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)

/** Compiles one package into `modules`. Types are checked by `npm run check` instead. */
async function buildPackage(folder: string, modules: string): Promise<void> {
  const source = join(root, 'packages', folder)
  const { name, files } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as {
    name: string
    files: string[]
  }
  const target = join(modules, name)
  mkdirSync(target, { recursive: true })
  await copyFile(join(source, 'package.json'), join(target, 'package.json'))
  // A package's own node_modules has the versions that differ from the root's.
  for (const part of [...files, 'node_modules'].filter(file => file !== 'dist' && existsSync(join(source, file)))) {
    symlinkSync(join(source, part), join(target, part))
  }
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(source, 'tsconfig.build.json')]
  const options = ['--outDir', join(target, 'dist'), '--declaration', 'false', '--noCheck', '--noResolve']
  await run(process.execPath, [...tsc, ...options], { cwd: root }).catch((error: Error & { stdout?: string }) => {
    if (!existsSync(join(target, 'dist'))) process.stderr.write(`could not build ${name}: ${error.stdout}\n`)
  })
}

/** Returns a function that removes the build. Each run has a folder of its own, so concurrent builds do not interfere. */
export async function buildProgram(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(root, '.test-build-'))
  runAfterExit('rm -rf "$1"', folder)
  const modules = join(folder, 'node_modules')
  await Promise.all(readdirSync(join(root, 'packages')).map(name => buildPackage(name, modules)))
  const cli = join(modules, '@holdfast/cli')
  // Without the prepared cluster, the first start only takes longer.
  await placeCluster(join(cli, 'cluster'), join(root, 'node_modules/.cache/holdfast')).catch((error: Error) => {
    process.stderr.write(`could not prepare the database cluster: ${error.message}\n`)
  })
  project.provide('main', join(cli, 'dist/main.js'))
  return () => rmSync(folder, { recursive: true, force: true })
}
