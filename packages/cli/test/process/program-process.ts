/** The built `holdfast` program as child processes, for tests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { inject } from 'vitest'

export interface ProgramProcess {
  child: ChildProcess
  output: { out: string; err: string }
  /** The exit code, once the output is complete. */
  code: Promise<number | null>
  /** The first line of standard output. Rejects if the process exits before. */
  ready: Promise<string>
  /** Sends SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

export interface Programs {
  start(args: readonly string[], environment?: Readonly<Record<string, string>>): ProgramProcess
  /** Kills every process that still runs. */
  killAll(): Promise<void>
}

/** Starts processes of the program in `directory`. */
export function openPrograms(directory: string): Programs {
  const running = new Set<ProgramProcess>()

  function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}): ProgramProcess {
    const child = spawn(process.execPath, [inject('main'), ...args], {
      cwd: directory,
      env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, ...environment },
    })
    const output = { out: '', err: '' }
    const code = new Promise<number | null>(resolve =>
      child.once('close', exitCode => {
        running.delete(started)
        resolve(exitCode)
      }),
    )
    const ready = new Promise<string>((resolve, reject) => {
      child.stdout.on('data', chunk => {
        output.out += chunk
        const line = /^(.*)\n/.exec(output.out)?.[1]
        if (line !== undefined) resolve(line)
      })
      child.stderr.on('data', chunk => {
        output.err += chunk
      })
      void code.then(exitCode => reject(new Error(`holdfast ${args.join(' ')} exited with ${exitCode}: ${output.err}`)))
    })
    // A test that reads only the exit code ignores it.
    ready.catch(() => {})
    const started: ProgramProcess = {
      ...{ child, output, code, ready },
      stop() {
        child.kill('SIGTERM')
        return code
      },
    }
    running.add(started)
    return started
  }

  return {
    start,
    async killAll() {
      const ended = [...running].map(one => {
        one.child.kill('SIGKILL')
        return one.code
      })
      await Promise.all(ended)
    },
  }
}

/** The first address in the line that `serve`, `work`, or `stripe-simulator` prints when it is ready. */
export function addressIn(line: string): string {
  const [url] = /http:\/\/[^\s,]+/.exec(line) ?? []
  if (url === undefined) throw new Error(`no address in "${line}"`)
  return url
}
