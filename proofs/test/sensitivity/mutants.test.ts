/** The list of mutants cannot rot: each still applies to the sources as they are, and changes them. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { mutants } from '../../sensitivity/mutants.ts'
import { patched, root } from '../../sensitivity/proof-build.ts'

test.each(mutants.map(mutant => [mutant.name, mutant] as const))('"%s" applies to the sources', async (_, mutant) => {
  for (const edits of [mutant.edits, [...mutant.edits, ...(mutant.backing?.edits ?? [])]]) {
    for (const [file, text] of await patched(root, edits)) {
      expect(text).not.toBe(readFileSync(path.join(root, file), 'utf8'))
    }
  }
})

test('each has a name of its own', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
})

test('the tests that are known to find them exist', () => {
  const named = mutants.flatMap(({ foundBy }) => (foundBy.kind === 'test' ? [foundBy.file] : []))
  expect(named.filter(file => !existsSync(path.join(root, file)))).toEqual([])
})

test('an edit that does not stand exactly once is refused', async () => {
  const edit = { file: 'packages/holdfast/src/saga/lease.ts', find: 'no such text', replace: '' }
  await expect(patched(root, [edit])).rejects.toThrow('stands there 0 times')
  await expect(patched(root, [{ ...edit, find: 'epoch' }])).rejects.toThrow('not once')
})
