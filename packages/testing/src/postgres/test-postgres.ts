/**
 * A temporary PostgreSQL server for tests, on the loopback interface and in a temporary directory. The server and its
 * files never outlive the process that started it, even if that process is killed.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync } from 'node:fs'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from '../free-port.ts'
import { runAfterExit } from '../run-after-exit.ts'
import { findPostgres } from './postgres-programs.ts'
import { scratchDirectory } from './scratch-directory.ts'

export interface TestPostgres {
  /** The URL of a database, as the superuser. Default: the database `postgres`. */
  url(databaseName?: string): string
  /** Creates a database with a random name and returns its URL. */
  createDatabase(template?: string): Promise<string>
  /**
   * Restarts the server: `immediate` (default) like a crash, followed by recovery; `fast` like an administrator.
   * Resolves when the server accepts connections again. `meanwhile` runs while the server is down.
   */
  restart(mode?: 'immediate' | 'fast', meanwhile?: () => Promise<void>): Promise<void>
  /** Stops the server and removes its files. Idempotent. */
  stop(): Promise<void>
}

const signals = { immediate: 'SIGQUIT', fast: 'SIGINT' } as const
const startMs = 30_000

/** PostgreSQL refuses to run as root. */
const identity = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

/** Ends the server if its process ID is still the same, and removes its files. */
const endAndRemove =
  '[ "$(head -n 1 "$2/data/postmaster.pid" 2>/dev/null)" = "$1" ] && kill -QUIT "$1" && while kill -0 "$1" 2>/dev/null; do sleep 0.1; done; rm -rf "$2"'

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

/** @param options `durable` keeps fsync on, for benchmarks and for tests that kill the server. Default: off. */
export async function startTestPostgres(options: { readonly durable?: boolean } = {}): Promise<TestPostgres> {
  const programs = await findPostgres()
  const place = options.durable === true ? tmpdir() : scratchDirectory()
  const directory = await mkdtemp(path.join(place, 'holdfast-postgres-'))
  if (identity.uid !== undefined) chownSync(directory, identity.uid, identity.gid)
  const data = path.join(directory, 'data')
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const log = path.join(directory, 'log')
  const port = await freePort()
  const url = (name = 'postgres') => `postgres://postgres@127.0.0.1:${port}/${name}`
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    max_connections: '200',
    log_min_messages: 'log',
    ...(options.durable === true ? {} : { fsync: 'off', full_page_writes: 'off', max_wal_size: '128MB' }),
  }
  let server: ChildProcess | null = null
  let watcher: ChildProcess | null = null

  async function launch(): Promise<void> {
    const output = await open(log, 'a')
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const started = spawn(programs.postgres, ['-D', data, '-p', String(port), ...flags], {
      stdio: ['ignore', output.fd, output.fd],
      cwd: directory,
      env,
      ...identity,
    })
    await once(started, 'spawn')
    await output.close()
    server = started
    watcher = runAfterExit(endAndRemove, String(started.pid ?? 0), directory)
    started.unref()
    const deadline = performance.now() + startMs
    while (!(await answers(url()))) {
      if (started.exitCode !== null || started.signalCode !== null || performance.now() > deadline) {
        throw new Error(`PostgreSQL did not start:\n${(await readFile(log, 'utf8')).slice(-2_000)}`)
      }
      await pause(20)
    }
  }

  async function halt(mode: 'immediate' | 'fast'): Promise<void> {
    watcher?.kill('SIGKILL')
    if (server !== null && server.exitCode === null && server.signalCode === null) {
      server.ref()
      const gone = once(server, 'exit')
      server.kill(signals[mode])
      await gone
    }
    server = null
  }

  async function stop(): Promise<void> {
    await halt('immediate')
    await rm(directory, { recursive: true, force: true })
  }

  try {
    const initArguments = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
    await promisify(execFile)(programs.initdb, initArguments, { cwd: directory, env, ...identity })
    await launch()
  } catch (error) {
    await stop()
    throw error
  }

  return {
    url,
    async createDatabase(template = 'template1') {
      return createTestDatabase(url(), template)
    },
    async restart(mode = 'immediate', meanwhile = async () => {}) {
      await halt(mode)
      await meanwhile()
      await launch()
    },
    stop,
  }
}

async function asAdministrator(adminUrl: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

/** Creates a database with a random name on the server at `adminUrl` and returns its URL. */
export async function createTestDatabase(adminUrl: string, template = 'template1'): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await asAdministrator(adminUrl, `create database ${name} template ${template}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return url.href
}

/** Drops the database at `url` and ends the connections to it. */
export async function dropTestDatabase(adminUrl: string, url: string): Promise<void> {
  await asAdministrator(adminUrl, `drop database if exists ${new URL(url).pathname.slice(1)} with (force)`)
}
