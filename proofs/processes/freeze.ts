/** Freezes a process with SIGSTOP, like a swapping machine or a paused container. It thaws when this process ends. */
import { spawn } from 'node:child_process'

/** Returns a function that thaws the process. A process that has ended meanwhile is ignored. */
export function freeze(pid: number): () => void {
  // A frozen process cannot watch its parent, so a shell does: its pipe breaks when this process ends.
  const script = 'kill -STOP "$1" && cat >/dev/null; kill -CONT "$1"'
  const keeper = spawn('sh', ['-c', script, 'freeze', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  keeper.on('error', () => {})
  keeper.stdin.on('error', () => {})
  return () => keeper.stdin.end()
}
