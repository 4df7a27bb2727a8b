/**
 * A server process: a real `holdfast serve`, or another program, that can be killed and restarted on the same port. The
 * process never outlives the one that started it, even if that one is killed.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../packages/testing/src/free-port.ts'

export interface ServerProcess {
  /** Stays the same across restarts. */
  readonly url: string
  /** The ID of the current or last process; null before the first start. */
  readonly pid: number | null
  /** Whether the process has reported readiness and still runs. */
  readonly isReady: boolean
  /** Unexplained log lines of level `error` and above, across restarts; at most 200. */
  readonly errors: readonly string[]
  /** The number of explained error lines. */
  readonly explained: number
  /** The last output of each process that exited by itself after it was ready; at most 200. */
  readonly surprises: readonly string[]
  /**
   * Starts the process unless it runs. Resolves when it is ready, or when it is killed during the start.
   * @throws with the output if it exits or is not ready in time, after `startsMax` attempts.
   */
  start(): Promise<void>
  /** Sends SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>
  /** Sends SIGTERM, and SIGKILL after a timeout. Resolves when the process has ended. */
  stop(): Promise<void>
}

export interface ServerProcessOptions {
  /** The working directory; the embedded database lives in its `.holdfast`. */
  directory: string
  /** `DATABASE_URL`; null: the embedded database. */
  databaseUrl: string | null
  /** Further environment variables. */
  environment?: Readonly<Record<string, string>>
  /** Run the result of `npm run build`, which starts faster. Default: the sources. */
  isBuilt?: boolean
  /** The command of `holdfast`. Default: `serve`. */
  command?: 'serve' | 'work'
  /** A TypeScript file to run instead. Its argument is the port; its first line of output reports readiness. */
  program?: string
  /** Attempts to start, a second apart, for a dependency may be unavailable. Default: 1. */
  startsMax?: number
  /** Whether a disturbance explains a logged error. Default: no. */
  explains?(entry: Readonly<Record<string, unknown>>): boolean
}

const readyMs = 60_000
const stopMs = 15_000
const startAgainMs = 1_000
const errorsMax = 200
const outputMax = 16_384
const root = fileURLToPath(new URL('../../', import.meta.url))

/** Kills the server when its standard input closes, which happens when the parent process ends. */
const guard = `data:text/javascript,${encodeURIComponent(
  "process.stdin.on('close', () => process.kill(process.pid, 'SIGKILL')).resume().unref()",
)}`

const onBuilt = new URL('./on-built.ts', import.meta.url).href

function commandLine({ isBuilt = false, command = 'serve', program }: ServerProcessOptions, port: number): string[] {
  const typescript = ['--import', guard, '--import', import.meta.resolve('tsx')]
  if (program !== undefined) return [...typescript, ...(isBuilt ? ['--import', onBuilt] : []), program, String(port)]
  const stays = [command, '--port', String(port)]
  return isBuilt
    ? ['--import', guard, path.join(root, 'packages/cli/dist/main.js'), ...stays]
    : [...typescript, path.join(root, 'packages/cli/src/main.ts'), ...stays]
}

/** Parses a log line. Output that is not JSON counts as an error. */
function entryOf(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return { level: 'error' }
  }
}

const isError = ({ level }: Record<string, unknown>): boolean =>
  level === 'error' || level === 'fatal' || (typeof level === 'number' && level >= 50)

/** Chooses a free port. Does not start the process. */
export async function createServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { directory, databaseUrl, environment = {}, startsMax = 1, explains = () => false } = options
  const port = await freePort()
  const errors: string[] = []
  const surprises: string[] = []
  let explained = 0
  let ends = 0
  let starting: Promise<void> | null = null
  let current: { child: ChildProcess; gone: Promise<unknown>; isReady: boolean; isKilled: boolean } | null = null

  function launch() {
    const child = spawn(process.execPath, commandLine(options, port), {
      cwd: directory,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        LOG_LEVEL: 'warn',
        // A development shop would write an email file per order, which disturbs measurements.
        NODE_ENV: 'test',
        // The server runs elsewhere; package names lead to the sources all the same.
        TSX_TSCONFIG_PATH: path.join(root, 'tsconfig.json'),
        ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }),
        ...environment,
      },
    })
    child.stdin?.on('error', () => {})
    const started = { child, gone: once(child, 'close'), isReady: false, isKilled: false }
    current = started
    return started
  }

  function judge(line: string): void {
    const entry = entryOf(line)
    if (!isError(entry)) return
    if (explains(entry)) explained += 1
    else if (errors.length < errorsMax) errors.push(line)
  }

  async function startOnce(): Promise<void> {
    const started = launch()
    const { child } = started
    let output = ''
    let rest = ''
    const isUp = new Promise<boolean>(resolve => {
      child.stdout?.on('data', (chunk: Buffer) => {
        output += chunk
        if (output.includes('\n')) resolve(true)
      })
      void started.gone.then(() => resolve(false))
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      output = (output + chunk).slice(-outputMax)
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) judge(line)
    })
    const late = setTimeout(() => child.kill('SIGKILL'), readyMs)
    const isReady = await isUp
    clearTimeout(late)
    if (isReady && /^\w+ (ready|works|started)/m.test(output)) {
      started.isReady = !started.isKilled
      void started.gone.then(() => {
        started.isReady = false
        if (!started.isKilled && surprises.length < errorsMax) surprises.push(output)
      })
    } else if (!started.isKilled) {
      child.kill('SIGKILL')
      throw new Error(`the server did not become ready:\n${output}`)
    }
  }

  async function startWithRetries(): Promise<void> {
    const endsBefore = ends
    for (let starts = 1; ; starts += 1) {
      try {
        return await startOnce()
      } catch (error) {
        if (starts >= startsMax) throw error
        await pause(startAgainMs)
        // The process was ended on purpose meanwhile; the caller of that starts it again.
        if (ends !== endsBefore) return
      }
    }
  }

  function start(): Promise<void> {
    if (current?.isReady) return Promise.resolve()
    if (starting === null) {
      const mine: Promise<void> = startWithRetries().finally(() => {
        if (starting === mine) starting = null
      })
      starting = mine
    }
    return starting
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    ends += 1
    starting = null
    if (current === null) return
    const { child, gone } = current
    current.isReady = false
    current.isKilled = true
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), stopMs)
    await gone
    clearTimeout(late)
  }

  return {
    url: `http://127.0.0.1:${port}`,
    get pid() {
      return current?.child.pid ?? null
    },
    get isReady() {
      return current?.isReady ?? false
    },
    errors,
    get explained() {
      return explained
    },
    surprises,
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}
