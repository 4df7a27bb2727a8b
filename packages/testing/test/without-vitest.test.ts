/** Adopters with another test runner: the main entry loads without vitest, and the vitest entry names what is missing. */
import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const source = (file: string) => pathToFileURL(`${root}packages/testing/src/${file}`).href

const hook = `export async function resolve(name, context, next) {
  if (name !== 'vitest' && !name.startsWith('vitest/')) return next(name, context)
  throw Object.assign(new Error("Cannot find package 'vitest'"), { code: 'ERR_MODULE_NOT_FOUND' })
}`
const dataUrl = (script: string) => `data:text/javascript,${encodeURIComponent(script)}`
const hide = dataUrl(`import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hook))})`)

/** The names that a module exports in a process without vitest, or the message of the error. */
async function importWithoutVitest(url: string): Promise<string[] | string> {
  const program = `const result = await import(${JSON.stringify(url)}).then(Object.keys, error => error.message)
    console.log(JSON.stringify(result))`
  const args = ['--import', 'tsx', '--import', hide, '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
  return JSON.parse(stdout) as string[] | string
}

test('@holdfast/testing loads in a process without vitest', async () => {
  expect(await importWithoutVitest(source('index.ts'))).toEqual(
    expect.arrayContaining(['checkGateway', 'databaseChecks', 'gatewayChecks', 'killableProcess', 'startTestPostgres']),
  )
})

test('@holdfast/testing/vitest names vitest if it is not installed', async () => {
  expect(await importWithoutVitest(source('vitest.ts'))).toBe("Cannot find package 'vitest'")
})
