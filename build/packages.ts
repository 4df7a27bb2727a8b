/** The published packages as archives: packs each workspace after its build. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

export const run = promisify(execFile)
export const root = path.join(import.meta.dirname, '..')

export interface PackedPackage {
  name: string
  /** The path of the archive. */
  file: string
  packedBytes: number
  unpackedBytes: number
  /** The paths of its files, relative to the package. */
  files: string[]
}

interface PackReport {
  name: string
  filename: string
  size: number
  unpackedSize: number
  files: { path: string }[]
}

/** Packs all workspaces into `directory`, in the order of the root manifest. Needs `npm run build` before. */
export async function packAll(directory: string): Promise<PackedPackage[]> {
  const { workspaces } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { workspaces: string[] }
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory]
  const { stdout } = await run('npm', [...args, ...workspaces.flatMap(folder => ['--workspace', folder])], {
    cwd: root,
  })
  return (JSON.parse(stdout) as PackReport[]).map(({ name, filename, size, unpackedSize, files }) => ({
    name,
    file: path.join(directory, filename.replace('@', '').replace('/', '-')),
    packedBytes: size,
    unpackedBytes: unpackedSize,
    files: files.map(file => file.path),
  }))
}

/** Runs `work` in a temporary directory and removes the directory. */
export async function withTemporaryDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-packages-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
