/** A mutant runs: programs of a proof build see the changed sources, however they import them. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { realpath, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root, withProofBuild } from '../../sensitivity/proof-build.ts'

const run = promisify(execFile)

const file = 'packages/holdfast/src/database/index.ts'
const text = readFileSync(path.join(root, file), 'utf8')
const edits = [{ file, find: text, replace: `${text}export const isMutant = true\n` }]

const probe = `import * as byName from 'holdfast/database'
import * as byPath from '../packages/holdfast/src/database/index.ts'
const said = (names: object) => ('isMutant' in names ? 'mutant' : 'original')
process.stdout.write(said(byName) + ' ' + said(byPath))
`

test('a proof build runs its own sources, imported by path or by the name of a package', async () => {
  const { output, links } = await withProofBuild(edits, async directory => {
    await writeFile(path.join(directory, 'proofs/probe.ts'), probe)
    const program = [path.join(directory, 'node_modules/tsx/dist/cli.mjs'), 'proofs/probe.ts']
    const { stdout } = await run(process.execPath, program, { cwd: directory })
    const packages = ['holdfast', '@holdfast/cli', '@holdfast/testing']
    const links = await Promise.all(packages.map(name => realpath(path.join(directory, 'node_modules', name))))
    return { output: stdout, links: links.filter(link => link.startsWith(path.join(root, 'packages'))) }
  })
  expect(output).toBe('mutant mutant')
  expect(links).toEqual([])
})
