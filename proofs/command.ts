/** What the proofs share as commands: their options, a server to run on, their table, and exit codes. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { table } from '../packages/cli/src/terminal/table.ts'
import {
  createTestDatabase,
  dropTestDatabase,
  startTestPostgres,
} from '../packages/testing/src/postgres/test-postgres.ts'

/** It was called wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws {UsageError} */
export function wholeNumber(name: string, given: string | undefined, fallback: number, max: number): number {
  if (given === undefined) return fallback
  const value = Number(given)
  if (!/^\d+$/.test(given) || value < 1 || value > max) {
    throw new UsageError(`--${name} is a whole number from 1 to ${max}.`)
  }
  return value
}

/** An empty database on a durable server of its own, or on the one at `url`; gone afterwards. */
export async function withPostgres<Result>(
  url: string | null,
  work: (databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  const server = url === null ? await startTestPostgres({ durable: true }) : null
  const adminUrl = url ?? server?.url() ?? ''
  try {
    const databaseUrl = await createTestDatabase(adminUrl)
    try {
      return await work(databaseUrl)
    } finally {
      if (server === null) await dropTestDatabase(adminUrl, databaseUrl)
    }
  } finally {
    await server?.stop()
  }
}

/** A directory of its own, gone afterwards. */
export async function withDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-sim-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Two columns, and what is wrong below them. */
export function describe(
  title: string,
  rows: readonly (readonly [string, string | number])[],
  wrong: readonly string[],
): string {
  const lines = rows.map(([name, value]) => [name, String(value)])
  const verdict =
    wrong.length === 0 ? 'The proof holds.\n' : `The proof fails:\n${wrong.map(one => `  ${one}\n`).join('')}`
  return `${table({ colours: false }, [title, ''], lines, { right: [1] })}${verdict}`
}

/** `0 of 412`: a zero says of how many. */
export const outOf = (count: number, all: number): string => `${count} of ${all}`

/** Runs a proof as a program: 0 it holds, 1 it does not, 2 called wrongly. */
export async function runProof(usage: string, main: () => Promise<{ text: string; holds: boolean }>): Promise<void> {
  // Ended from outside it leaves by the front door; what it started ends with it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  try {
    const { text, holds } = await main()
    process.stdout.write(text)
    process.exitCode = holds ? 0 : 1
  } catch (error) {
    const isUsage =
      error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true
    process.stderr.write(isUsage ? `${(error as Error).message}\n${usage}` : `${(error as Error).stack}\n`)
    process.exitCode = isUsage ? 2 : 1
  }
}
