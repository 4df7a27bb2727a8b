/**
 * A proof build: a temporary copy of the tree in which a defence is removed. The switches exist nowhere else: the
 * product has no flag and no branch for them.
 */
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Edit } from './mutant.ts'

export const root = path.join(import.meta.dirname, '..', '..')

const copied = ['packages', 'proofs', 'test', 'package.json', 'tsconfig.json', 'tsconfig.base.json', 'vitest.config.ts']

/** The edit does not fit the sources any more. */
export class StaleMutant extends Error {
  override readonly name = 'StaleMutant'
}

/** The text with the edit made. @throws {StaleMutant} when `find` does not stand in it exactly once. */
export function edited(text: string, { file, find, replace }: Edit): string {
  const times = text.split(find).length - 1
  if (times !== 1) throw new StaleMutant(`${file}: stands there ${times} times, not once: ${find}`)
  if (find === replace) throw new StaleMutant(`${file}: changes nothing: ${find}`)
  return text.replace(find, () => replace)
}

/** The files that edits change, as they are afterwards, by path from `directory`. */
export async function patched(directory: string, edits: readonly Edit[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (const edit of edits) {
    const text = texts.get(edit.file) ?? (await readFile(path.join(directory, edit.file), 'utf8'))
    texts.set(edit.file, edited(text, edit))
  }
  return texts
}

const standing = new Set<string>()

process.on('exit', () => {
  for (const directory of standing) rmSync(directory, { recursive: true, force: true })
})

/** Makes a proof build, runs `work` in it, and removes it. */
export async function withProofBuild<Result>(
  edits: readonly Edit[],
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-proof-build-'))
  standing.add(directory)
  try {
    const texts = await patched(root, edits)
    await Promise.all(copied.map(name => cp(path.join(root, name), path.join(directory, name), { recursive: true })))
    await symlink(path.join(root, 'node_modules'), path.join(directory, 'node_modules'))
    for (const [file, text] of texts) await writeFile(path.join(directory, file), text)
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
    standing.delete(directory)
  }
}
