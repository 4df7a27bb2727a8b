/** Cleanup that runs when this process is gone, also after SIGKILL: a shell waits until the pipe to this process breaks. */
import { type ChildProcess, spawn } from 'node:child_process'
import type net from 'node:net'

/**
 * Runs the shell script `script` after this process has ended, with `args` as `$1`, `$2`, ….
 * Kill the returned process to cancel the script. The watcher does not keep this process alive.
 */
export function runAfterExit(script: string, ...args: readonly string[]): ChildProcess {
  const shell = spawn('sh', ['-c', `cat >/dev/null; ${script}`, 'after exit', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  shell.unref()
  shell.stdin?.on('error', () => {})
  ;(shell.stdin as net.Socket | null)?.unref()
  return shell
}
