/** Runs commands of other processes in the process that holds the directory, after checking the directory's secret. */
import type net from 'node:net'
import { type ControlMessage, readLines, sameToken, writeLine } from './control-protocol.ts'

/** Runs a command for another process; `write` sends output to it. Returns the exit code. */
export type RequestHandler = (
  args: readonly string[],
  write: (stream: 'stdout' | 'stderr', text: string) => void,
) => Promise<number>

/** How long a client may take for its first line, in milliseconds. */
const requestTimeoutMs = 5_000

/** Serves one request on `socket`. Without a handler, or if it throws, the exit code is 1. */
export function serveCommand(socket: net.Socket, token: string, handler: () => RequestHandler | null): void {
  const timeout = setTimeout(() => socket.destroy(), requestTimeoutMs)
  let isServing = false
  socket.on('error', () => {})
  socket.once('close', () => clearTimeout(timeout))

  readLines(socket, (message: ControlMessage) => {
    clearTimeout(timeout)
    if (isServing || !sameToken(message.token, token) || message.args === undefined) {
      socket.destroy()
      return
    }
    isServing = true
    void runCommand(socket, message.args, handler())
  })
}

async function runCommand(socket: net.Socket, args: readonly string[], run: RequestHandler | null): Promise<void> {
  let code = 1
  try {
    if (run === null)
      writeLine(socket, { stream: 'stderr', text: 'the process that holds the directory runs no commands\n' })
    else code = await run(args, (stream, text) => writeLine(socket, { stream, text }))
  } catch (error) {
    writeLine(socket, { stream: 'stderr', text: `${error instanceof Error ? error.message : String(error)}\n` })
  }
  writeLine(socket, { code })
  socket.end()
}
