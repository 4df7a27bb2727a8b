/**
 * Proof builds: temporary copies of the tree, each with a defence removed. The product has no flag or branch for that.
 * A package name resolves to the sources of the copy, never to the original: a mutant that does not run proves nothing.
 */
import { rmSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Edit } from './mutant.ts'

export const root = path.join(import.meta.dirname, '..', '..')

const copied = ['packages', 'proofs', 'test', 'package.json', 'tsconfig.json', 'tsconfig.base.json', 'vitest.config.ts']

/** Builds of the original sources: a proof that ran them would not see the mutant. */
const isBuild = (file: string) => /[/]packages[/][^/]+[/](dist|cluster)$/.test(file)

/** An edit that no longer fits the sources. */
export class StaleMutant extends Error {
  override readonly name = 'StaleMutant'
}

/** Applies an edit to a text. @throws {StaleMutant} unless `find` occurs exactly once. */
export function edited(text: string, { file, find, replace }: Edit): string {
  const times = text.split(find).length - 1
  if (times !== 1) throw new StaleMutant(`${file}: found ${times} times, expected once: ${find}`)
  if (find === replace) throw new StaleMutant(`${file}: edit changes nothing: ${find}`)
  return text.replace(find, () => replace)
}

/** The new text of each file that edits change, by its path in `directory`. */
export async function patched(directory: string, edits: readonly Edit[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (const edit of edits) {
    const text = texts.get(edit.file) ?? (await readFile(path.join(directory, edit.file), 'utf8'))
    texts.set(edit.file, edited(text, edit))
  }
  return texts
}

/**
 * Links each dependency to the installed one, and each workspace package to its copy. The installed link to a
 * workspace package would lead back to the original sources.
 */
async function linkModules(from: string, to: string): Promise<void> {
  await mkdir(to)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)]
    if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else if (entry.name === '@holdfast') await linkModules(source, target)
    else await symlink(source, target)
  }
}

const existing = new Set<string>()

process.on('exit', () => {
  for (const directory of existing) rmSync(directory, { recursive: true, force: true })
})

/** Makes a proof build, runs `work` in it, and removes it. */
export async function withProofBuild<Result>(
  edits: readonly Edit[],
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-proof-build-'))
  existing.add(directory)
  try {
    const texts = await patched(root, edits)
    const options = { recursive: true, filter: (file: string) => !isBuild(file) }
    await Promise.all(copied.map(name => cp(path.join(root, name), path.join(directory, name), options)))
    await linkModules(path.join(root, 'node_modules'), path.join(directory, 'node_modules'))
    for (const [file, text] of texts) await writeFile(path.join(directory, file), text)
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
    existing.delete(directory)
  }
}
