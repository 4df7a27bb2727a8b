/** Freezes a process with SIGSTOP, as a machine that swaps or a paused container does; it never stays frozen when we die. */
import { spawn } from 'node:child_process'

/** Gives the way to wake it. A process that is gone by then, or was killed while frozen, is left alone. */
export function freeze(pid: number): () => void {
  // Whoever is frozen cannot watch its parent, so somebody else does: this pipe breaks when we are gone.
  const script = 'kill -STOP "$1" && cat >/dev/null; kill -CONT "$1"'
  const keeper = spawn('sh', ['-c', script, 'freeze', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  keeper.on('error', () => {})
  keeper.stdin.on('error', () => {})
  return () => keeper.stdin.end()
}
