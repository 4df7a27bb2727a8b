/** Runs a program of a proof build with its child processes. Leftover processes end with this process. */
import { spawn } from 'node:child_process'

export interface Finished {
  /** Null: the program exceeded its time limit and was killed. */
  code: number | null
  output: string
  errors: string
  seconds: number
}

const running = new Set<number>()

function end(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // The group has already ended.
  }
}

process.on('exit', () => {
  for (const group of running) end(group)
})

/** Runs Node.js with the arguments `command`, in a separate process group. */
export function runProgram(directory: string, command: readonly string[], limitMs: number): Promise<Finished> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    })
    const { pid } = child
    if (pid !== undefined) running.add(pid)
    let output = ''
    let errors = ''
    let isLate = false
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    const limit = setTimeout(() => {
      isLate = true
      if (pid !== undefined) end(pid)
    }, limitMs)
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(limit)
      if (pid !== undefined) {
        end(pid)
        running.delete(pid)
      }
      resolve({ code: isLate ? null : code, output, errors, seconds: (performance.now() - startedAt) / 1_000 })
    })
  })
}
