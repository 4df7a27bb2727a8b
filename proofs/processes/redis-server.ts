/**
 * A temporary Redis server on the loopback interface, with a password and a temporary directory. Each change is written
 * to disk before its answer. The server never outlives the process that started it.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from 'redis'
import { freePort } from '../../packages/testing/src/free-port.ts'
import { runAfterExit } from '../../packages/testing/src/run-after-exit.ts'

export interface RedisServer {
  /** Includes the password. Stays the same across restarts. */
  readonly url: string
  readonly password: string
  /** Starts the server unless it runs. Resolves when it answers. */
  start(): Promise<void>
  /** Sends SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>
  /** Sends SIGSTOP: connections stay open without answers. */
  freeze(): void
  /** Sends SIGCONT. */
  thaw(): void
  /** Stops the server and removes its files. Idempotent. */
  stop(): Promise<void>
}

const readyMs = 30_000

/** Whether `redis-server` is installed. */
export function hasRedisServer(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const endAndRemove = 'kill -KILL "$1" 2>/dev/null; rm -rf "$2"'

async function answers(url: string): Promise<boolean> {
  const client = createClient({ url, socket: { connectTimeout: 1_000, reconnectStrategy: false } })
  client.on('error', () => {})
  try {
    await client.connect()
    // While the server loads its files, it answers with an error.
    return (await client.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    client.destroy()
  }
}

export async function startRedisServer(): Promise<RedisServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-redis-'))
  const port = await freePort()
  const password = randomBytes(16).toString('hex')
  const url = `redis://default:${password}@127.0.0.1:${port}/0`
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: directory,
    requirepass: password,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    loglevel: 'warning',
  }
  let server: ChildProcess | null = null
  let watcher: ChildProcess | null = null
  const isRunning = () => server !== null && server.exitCode === null && server.signalCode === null

  async function start(): Promise<void> {
    if (isRunning()) return
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
    const started = spawn('redis-server', flags, { cwd: directory, stdio: 'ignore' })
    await once(started, 'spawn')
    server = started
    watcher = runAfterExit(endAndRemove, String(started.pid ?? 0), directory)
    started.unref()
    const deadline = performance.now() + readyMs
    while (!(await answers(url))) {
      if (!isRunning() || performance.now() > deadline) throw new Error('redis-server did not start')
      await pause(20)
    }
  }

  async function kill(): Promise<void> {
    watcher?.kill('SIGKILL')
    if (server === null || !isRunning()) return
    server.ref()
    const gone = once(server, 'exit')
    server.kill('SIGKILL')
    await gone
  }

  const redis: RedisServer = {
    url,
    password,
    start,
    kill,
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    async stop() {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    await start()
  } catch (error) {
    await redis.stop()
    throw error
  }
  return redis
}
