/**
 * The protocol between a command and the process that holds the directory: one JSON message per line. A line that is
 * too long or malformed closes the connection.
 */
import { timingSafeEqual } from 'node:crypto'
import type net from 'node:net'

export interface ControlMessage {
  /** Request: the secret of the directory and the arguments of the command. */
  readonly token?: string
  readonly args?: readonly string[]
  /** Response: a piece of output, or finally the exit code. */
  readonly stream?: 'stdout' | 'stderr'
  readonly text?: string
  readonly code?: number
}

/** Maximum characters of a line. */
const lineMax = 256 * 1024
/** Maximum characters of output per message; longer output is split. */
const textMax = 32 * 1024

function parse(line: string): ControlMessage | null {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(line) as Record<string, unknown>
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { token, args, stream, text, code } = value
  const isText = (part: unknown) => part === undefined || typeof part === 'string'
  if (!isText(token) || !isText(text)) return null
  if (stream !== undefined && stream !== 'stdout' && stream !== 'stderr') return null
  if (code !== undefined && !Number.isInteger(code)) return null
  if (args !== undefined && !(Array.isArray(args) && args.every(argument => typeof argument === 'string'))) return null
  return value as ControlMessage
}

/** Calls `receive` for each message; the first malformed line destroys the socket. */
export function readLines(socket: net.Socket, receive: (message: ControlMessage) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (piece: string) => {
    rest += piece
    for (let end = rest.indexOf('\n'); end >= 0 && !socket.destroyed; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 1)
      const message = line.length > lineMax ? null : parse(line)
      if (message === null) socket.destroy()
      else receive(message)
    }
    if (rest.length > lineMax) socket.destroy()
  })
}

export function writeLine(socket: net.Socket, message: ControlMessage): void {
  if (!socket.writable) return
  const { text } = message
  if (text === undefined || text.length <= textMax) {
    socket.write(`${JSON.stringify(message)}\n`)
    return
  }
  for (let at = 0; at < text.length; at += textMax) {
    socket.write(`${JSON.stringify({ ...message, text: text.slice(at, at + textMax) })}\n`)
  }
}

/** Compares two tokens in constant time. */
export function sameToken(given: string | undefined, expected: string): boolean {
  if (given === undefined) return false
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
