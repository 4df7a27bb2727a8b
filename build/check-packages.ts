/**
 * `npm run check:packages`: checks each package as npm publishes it. publint reads the manifest and the files, attw
 * resolves the types of every entry. Sizes are bounded, and no source map may ship without its source.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { table } from '../packages/cli/src/terminal/table.ts'
import { type PackedPackage, packAll, root, run, withTemporaryDirectory } from './packages.ts'

const unpackedBytesMax: Readonly<Record<string, number>> = { holdfast: 4_000_000 }

const bin = (name: string) => path.join(root, 'node_modules/.bin', name)

/** The output of a checker that found an error; null if it found none. */
async function errorsOf(command: string, args: readonly string[]): Promise<string | null> {
  return run(bin(command), args, { cwd: root }).then(
    () => null,
    (error: { stdout?: string; message: string }) => error.stdout?.trim() || error.message,
  )
}

/** Whether a source map contains its sources, or the package does. */
function isComplete(file: string, map: string, files: readonly string[]): boolean {
  const { sources = [], sourcesContent = [] } = JSON.parse(map) as { sources?: string[]; sourcesContent?: unknown[] }
  return sources.every(
    (source, index) =>
      typeof sourcesContent[index] === 'string' || files.includes(path.join(path.dirname(file), source)),
  )
}

async function mapsWithoutSource(directory: string, { file, files }: PackedPackage): Promise<string[]> {
  const maps = files.filter(name => name.endsWith('.map'))
  if (maps.length === 0) return []
  await run('tar', ['-xzf', file, '-C', directory])
  const texts = await Promise.all(maps.map(name => readFile(path.join(directory, 'package', name), 'utf8')))
  return maps.filter((name, index) => !isComplete(name, texts[index] ?? '{}', files))
}

/** What is wrong with a package, one entry per finding. */
async function findingsIn(one: PackedPackage): Promise<string[]> {
  const findings: string[] = []
  const published = await errorsOf('publint', ['run', one.file, '--strict'])
  if (published !== null) findings.push(`publint:\n${published}`)
  // A package without a module, such as a command, has no types to resolve.
  if (one.files.includes('dist/index.js')) {
    const types = await errorsOf('attw', [one.file, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii'])
    if (types !== null) findings.push(`attw:\n${types}`)
  }
  for (const map of await withTemporaryDirectory(directory => mapsWithoutSource(directory, one))) {
    findings.push(`${map} ships without its source`)
  }
  const max = unpackedBytesMax[one.name]
  if (max !== undefined && one.unpackedBytes > max) {
    findings.push(`${megabytes(one.unpackedBytes)} unpacked exceed the maximum of ${megabytes(max)}`)
  }
  if (!one.files.includes('README.md')) findings.push('README.md is missing')
  return findings
}

const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(2)} MB`

await withTemporaryDirectory(async directory => {
  const packed = await packAll(directory)
  const checked = await Promise.all(packed.map(async one => ({ ...one, findings: await findingsIn(one) })))
  const rows = checked.map(({ name, packedBytes, unpackedBytes, files, findings }) => [
    ...[name, megabytes(packedBytes), megabytes(unpackedBytes), String(files.length)],
    findings.length === 0 ? 'ok' : `${findings.length} found`,
  ])
  const head = ['Package', 'Packed', 'Unpacked', 'Files', 'Checks']
  process.stdout.write(table({ colours: false }, head, rows, { right: [1, 2, 3] }))
  for (const { name, findings } of checked) {
    for (const finding of findings) process.stderr.write(`\n${name}: ${finding}\n`)
  }
  if (checked.some(({ findings }) => findings.length > 0)) process.exitCode = 1
})
