/** What is still done when this process is gone, however it ends: a shell waits for the pipe to it to break. */
import { type ChildProcess, spawn } from 'node:child_process'
import type net from 'node:net'

/**
 * Has `script` run by a shell once this process is gone, with `args` as $1, $2 …; kill what is given, and it never is.
 * It keeps this process from nothing.
 */
export function lastWill(script: string, ...args: readonly string[]): ChildProcess {
  const shell = spawn('sh', ['-c', `cat >/dev/null; ${script}`, 'last will', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  shell.unref()
  shell.stdin?.on('error', () => {})
  ;(shell.stdin as net.Socket | null)?.unref()
  return shell
}
