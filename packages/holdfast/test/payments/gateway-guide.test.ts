/** The code blocks of docs/gateways.md compile unchanged, and their gateway passes the contract suite. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../../..')
const page = readFileSync(join(root, 'docs', 'gateways.md'), 'utf8')
const directory = mkdtempSync(join(tmpdir(), 'holdfast-guide-'))
const entries = {
  holdfast: 'packages/holdfast/src/index.ts',
  '@holdfast/testing/vitest': 'packages/testing/src/vitest.ts',
}

/** The code blocks, by the file name in their first line. */
const blocks = new Map(
  [...page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, name = '', code = '']) => [name, code]),
)
for (const [name, code] of blocks) writeFileSync(join(directory, name), withSources(code))

/** Replaces the package names by the paths of their sources. */
function withSources(code: string): string {
  return Object.entries(entries).reduce(
    (text, [name, file]) => text.replaceAll(`from '${name}'`, `from '${join(root, file)}'`),
    code,
  )
}

afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('the guide shows a gateway, its test, and its use', () => {
  expect([...blocks.keys()]).toEqual(['my-gateway.ts', 'my-gateway.test.ts', 'checkout.ts'])
  expect(page.split('```ts').length - 1).toBe(blocks.size)
})

test('the code of the guide compiles', async () => {
  const place = join(directory, 'compiled')
  mkdirSync(place)
  for (const [name, code] of blocks) writeFileSync(join(place, name), code)
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'))
  const { compilerOptions: own } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, [string]> }
  }
  const paths = Object.fromEntries(Object.entries(own.paths).map(([name, [file]]) => [name, [join(root, file)]]))
  const compilerOptions = { paths, rootDir: '/', noEmit: true }
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] }
  writeFileSync(join(place, 'package.json'), JSON.stringify({ type: 'module' }))
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(config))
  const compiled = promisify(execFile)(join(root, 'node_modules', '.bin', 'tsc'), ['-p', place])
  const errors = await compiled.then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  )
  // The sources are compiled too, but their errors are checked elsewhere.
  expect(errors.split('\n').filter(line => /^(\S*\/)?(my-gateway|checkout)\S*\.ts\(/.test(line))).toEqual([])
})

await import(join(directory, 'my-gateway.test.ts'))
