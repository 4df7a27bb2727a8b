/** Tests of the list of mutants: each edit still fits the current sources and changes them. */
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

test('every mutant has a unique name', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
})

test('the test files that find the mutants exist', () => {
  const named = mutants.flatMap(({ foundBy }) => (foundBy.kind === 'test' ? [foundBy.file] : []))
  expect(named.filter(file => !existsSync(path.join(root, file)))).toEqual([])
})

test('an edit whose text occurs never or twice is refused', async () => {
  const edit = { file: 'packages/holdfast/src/saga/lease.ts', find: 'no such text', replace: '' }
  await expect(patched(root, [edit])).rejects.toThrow('found 0 times')
  await expect(patched(root, [{ ...edit, find: 'epoch' }])).rejects.toThrow('expected once')
})
