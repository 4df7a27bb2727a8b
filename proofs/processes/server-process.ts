/**
 * A real `holdfast serve`, or another program, in a process of its own: started, killed without warning, started again
 * on the same port. It never outlives the process that started it, however that one ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../packages/testing/src/free-port.ts'

export interface ServerProcess {
  /** The same for every life of it. */
  readonly url: string
  /** Of the life that is or was the last; null before the first. */
  readonly pid: number | null
  /** It has said that it is ready, and has not ended since. */
  readonly isReady: boolean
  /** Lines of the level `error` and above that its lives have logged and nothing explains, at most 200. */
  readonly errors: readonly string[]
  /** How many such lines were explained. */
  readonly explained: number
  /** What the lives wrote last that ended by themselves after they had been ready, at most 200. */
  readonly surprises: readonly string[]
  /**
   * Starts it where it does not run, and resolves once it is ready. Killed on its way there, it resolves too.
   * @throws with what it wrote when it ends by itself, or is not ready in time, as often as `startsMax`.
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
  /** Which process of a shop it is; default `serve`. */
  command?: 'serve' | 'work'
  /** A TypeScript file to run instead: its one argument is the port, its first line says that it is ready. */
  program?: string
  /** Starts before it is given up, a second apart; default 1. What it needs may be away for a moment. */
  startsMax?: number
  /** Whether something that was done to it explains an error that it logged; default nothing does. */
  explains?(entry: Readonly<Record<string, unknown>>): boolean
}

const readyMs = 60_000
const stopMs = 15_000
const startAgainMs = 1_000
const errorsMax = 200
const outputMax = 16_384
const root = fileURLToPath(new URL('../../', import.meta.url))

/** Ends the server when its standard input breaks: the pipe goes with whoever started it. */
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

/** The log is JSON, a line an entry; whatever else is written there nobody expected, and it explains nothing. */
function entryOf(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return { level: 'error' }
  }
}

const isError = ({ level }: Record<string, unknown>): boolean =>
  level === 'error' || level === 'fatal' || (typeof level === 'number' && level >= 50)

/** Chooses a free port; starts nothing yet. */
export async function createServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { directory, databaseUrl, environment = {}, startsMax = 1, explains = () => false } = options
  const port = await freePort()
  const errors: string[] = []
  const surprises: string[] = []
  let explained = 0
  let ends = 0
  let starting: Promise<void> | null = null
  let life: { child: ChildProcess; gone: Promise<unknown>; isReady: boolean; isKilled: boolean } | null = null

  function launch() {
    const child = spawn(process.execPath, commandLine(options, port), {
      cwd: directory,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        LOG_LEVEL: 'warn',
        // As a developer's shop it would keep a mail of every order, and that is not what is measured.
        NODE_ENV: 'test',
        // The server runs elsewhere; package names lead to the sources all the same.
        TSX_TSCONFIG_PATH: path.join(root, 'tsconfig.json'),
        ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }),
        ...environment,
      },
    })
    child.stdin?.on('error', () => {})
    const started = { child, gone: once(child, 'close'), isReady: false, isKilled: false }
    life = started
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
    if (isReady && /^\w+ (ready|works)/m.test(output)) {
      started.isReady = !started.isKilled
      void started.gone.then(() => {
        started.isReady = false
        if (!started.isKilled && surprises.length < errorsMax) surprises.push(output)
      })
    } else if (!started.isKilled) {
      child.kill('SIGKILL')
      throw new Error(`the server did not get ready:\n${output}`)
    }
  }

  async function startInTheEnd(): Promise<void> {
    const endsBefore = ends
    for (let starts = 1; ; starts += 1) {
      try {
        return await startOnce()
      } catch (error) {
        if (starts >= startsMax) throw error
        await new Promise(resolve => setTimeout(resolve, startAgainMs))
        // Ended on purpose meanwhile: whoever did that starts it again.
        if (ends !== endsBefore) return
      }
    }
  }

  function start(): Promise<void> {
    if (life?.isReady) return Promise.resolve()
    if (starting === null) {
      const mine: Promise<void> = startInTheEnd().finally(() => {
        if (starting === mine) starting = null
      })
      starting = mine
    }
    return starting
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    ends += 1
    starting = null
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
    get explained() {
      return explained
    },
    surprises,
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}
