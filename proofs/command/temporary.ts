/** Temporary resources of a proof, removed afterwards: a database, a server, a directory. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  createTestDatabase,
  dropTestDatabase,
  startTestPostgres,
} from '../../packages/testing/src/postgres/test-postgres.ts'

/** Passes the URL of a PostgreSQL server to `work`: `url`, or a new server if it is null. */
export async function withServer<Result>(
  url: string | null,
  work: (adminUrl: string) => Promise<Result>,
  options: { durable?: boolean } = {},
): Promise<Result> {
  if (url !== null) return work(url)
  const server = await startTestPostgres(options)
  try {
    return await work(server.url())
  } finally {
    await server.stop()
  }
}

/** Passes the URL of an empty database to `work`, on the server at `url` or on a new durable server. */
export function withPostgres<Result>(
  url: string | null,
  work: (databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  return withServer(
    url,
    async adminUrl => {
      const databaseUrl = await createTestDatabase(adminUrl)
      try {
        return await work(databaseUrl)
      } finally {
        if (url !== null) await dropTestDatabase(adminUrl, databaseUrl)
      }
    },
    { durable: true },
  )
}

/** Passes a new directory to `work`. */
export async function withDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-sim-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
