/**
 * A real `holdfast serve` in a process of its own: started, killed without warning, started again on the same port.
 * It never outlives the process that started it, however that one ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface ServerProcess {
  /** The same for every life of it. */
  readonly url: string
  /** Of the life that is or was the last; null before the first. */
  readonly pid: number | null
  /** It has said that it is ready, and has not ended since. */
  readonly isReady: boolean
  /** Lines of the level `error` and above that its lives have logged, at most 200. */
  readonly errors: readonly string[]
  /**
   * Starts it, and resolves once it is ready. Killed on its way there, it resolves too.
   * @throws with what it wrote when it ends by itself, or is not ready in time.
   */
  start(): Promise<void>
  /** SIGKILL, at once: nothing is finished, nothing is said. Resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM, and SIGKILL where that does not help in time. Resolves when the process is gone. */
  stop(): Promise<void>
}

export interface ServerProcessOptions {
  /** The working directory; the embedded database lives in its `.holdfast`. */
  directory: string
  /** `DATABASE_URL`; null: the embedded database. */
  databaseUrl: string | null
  /** Further environment variables. */
  environment?: Readonly<Record<string, string>>
  /** Run what `npm run build` made, which starts faster; default the sources. */
  isBuilt?: boolean
}

const readyMs = 60_000
const stopMs = 15_000
const errorsMax = 200
const outputMax = 16_384
const root = fileURLToPath(new URL('../', import.meta.url))

/** Ends the server when its standard input breaks: the pipe goes with whoever started it. */
const guard = `data:text/javascript,${encodeURIComponent(
  "process.stdin.on('close', () => process.kill(process.pid, 'SIGKILL')).resume().unref()",
)}`

function commandLine(isBuilt: boolean, port: number): string[] {
  const program = isBuilt
    ? [path.join(root, 'dist/cli/main.js')]
    : ['--import', import.meta.resolve('tsx'), path.join(root, 'src/cli/main.ts')]
  return ['--import', guard, ...program, 'serve', '--port', String(port)]
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The log is JSON, a line an entry; whatever else is written there nobody expected. */
function isError(line: string): boolean {
  try {
    const { level } = JSON.parse(line) as { level?: unknown }
    return level === 'error' || level === 'fatal' || (typeof level === 'number' && level >= 50)
  } catch {
    return true
  }
}

/** Chooses a free port; starts nothing yet. */
export async function createServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { directory, databaseUrl, environment = {}, isBuilt = false } = options
  const port = await freePort()
  const errors: string[] = []
  let life: { child: ChildProcess; gone: Promise<unknown>; isReady: boolean; isKilled: boolean } | null = null

  function launch() {
    const child = spawn(process.execPath, commandLine(isBuilt, port), {
      cwd: directory,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        LOG_LEVEL: 'warn',
        ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }),
        ...environment,
      },
    })
    child.stdin?.on('error', () => {})
    const started = { child, gone: once(child, 'close'), isReady: false, isKilled: false }
    life = started
    return started
  }

  async function start(): Promise<void> {
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
      for (const line of lines) if (isError(line) && errors.length < errorsMax) errors.push(line)
    })
    const late = setTimeout(() => child.kill('SIGKILL'), readyMs)
    const isReady = await isUp
    clearTimeout(late)
    if (isReady && /^holdfast ready/m.test(output)) {
      started.isReady = !started.isKilled
      void started.gone.then(() => {
        started.isReady = false
      })
    } else if (!started.isKilled) {
      child.kill('SIGKILL')
      throw new Error(`the server did not get ready:\n${output}`)
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (life === null) return
    const { child, gone } = life
    life.isReady = false
    life.isKilled = true
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), stopMs)
    await gone
    clearTimeout(late)
  }

  return {
    url: `http://127.0.0.1:${port}`,
    get pid() {
      return life?.child.pid ?? null
    },
    get isReady() {
      return life?.isReady ?? false
    },
    errors,
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}
