/**
 * Holds a directory for one process, until that process ends, however it ends: two processes in one embedded database
 * destroy it silently. The lock is a socket, and through it other commands ask the holder to run them.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { DatabaseError } from '../database.ts'
import { type ControlMessage, readLines, sameToken, writeLine } from './control-protocol.ts'

/** Runs a command for another process; `write` reaches its output. Gives the exit code. */
export type RequestHandler = (
  args: readonly string[],
  write: (stream: 'stdout' | 'stderr', text: string) => void,
) => Promise<number>

export interface DirectoryLock {
  /** Who answers requests from now on. Without a handler they end with exit code 1. */
  onRequest(handler: RequestHandler): void
  /** Frees the directory. Idempotent. */
  release(): Promise<void>
}

const tokenFile = 'control-token'
/** How long a caller has for its first line, in milliseconds. */
const greetingMs = 5_000

/** Where the holder of `directory` listens. On Linux the kernel frees it with the process, by any death. */
async function addressOf(directory: string): Promise<string> {
  const real = await realpath(directory)
  const name = `holdfast-${createHash('sha256').update(real).digest('hex').slice(0, 32)}`
  if (process.platform === 'linux') return `\0${name}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  return path.join(real, 'lock.sock')
}

function listenOn(server: net.Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path: address, exclusive: true }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

/** `null` when nobody listens there. */
function connectTo(address: string): Promise<net.Socket | null> {
  return new Promise(resolve => {
    const socket = net.connect({ path: address })
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(null))
  })
}

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | null)?.code

function held(directory: string, cause: unknown): DatabaseError {
  return new DatabaseError(
    `the directory ${directory} is in use by another process: stop that one first, or set DATABASE_URL to a PostgreSQL server to run several.`,
    { code: 'directory_locked', cause },
  )
}

async function claim(server: net.Server, address: string, directory: string): Promise<void> {
  try {
    await listenOn(server, address)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    const isFile = process.platform !== 'linux' && process.platform !== 'win32'
    const holder = isFile ? await connectTo(address) : null
    holder?.destroy()
    if (!isFile || holder !== null) throw held(directory, error)
    // a socket file that nobody answers on was left by a process that was killed
    await rm(address, { force: true })
    await listenOn(server, address).catch((again: unknown) => {
      throw held(directory, again)
    })
  }
}

function serve(socket: net.Socket, token: string, handler: () => RequestHandler | null): void {
  const greeting = setTimeout(() => socket.destroy(), greetingMs)
  let asked = false
  socket.on('error', () => {})
  socket.once('close', () => clearTimeout(greeting))

  async function answer(args: readonly string[]): Promise<void> {
    const run = handler()
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

  readLines(socket, (message: ControlMessage) => {
    clearTimeout(greeting)
    if (asked || !sameToken(message.token, token) || message.args === undefined) {
      socket.destroy()
      return
    }
    asked = true
    void answer(message.args)
  })
}

async function writeToken(directory: string, token: string): Promise<void> {
  const file = path.join(directory, tokenFile)
  const fresh = `${file}.new`
  await rm(fresh, { force: true })
  await writeFile(fresh, token, { mode: 0o600 })
  await rename(fresh, file)
}

/**
 * Takes `directory` (made if missing) for this process.
 * @throws `DatabaseError` with code `directory_locked` when another process holds it, in one sentence for its user.
 */
export async function lockDirectory(
  directory: string,
  options: { readonly onRequest?: RequestHandler } = {},
): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true })
  const token = randomBytes(32).toString('hex')
  const address = await addressOf(directory)
  let handler = options.onRequest ?? null
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serve(socket, token, () => handler)
  })
  server.maxConnections = 16
  await claim(server, address, directory)
  // the lock alone does not keep a process alive
  server.unref()
  let released: Promise<void> | null = null

  function release(): Promise<void> {
    released ??= new Promise<void>(resolve => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
    return released
  }

  try {
    await writeToken(directory, token)
  } catch (error) {
    await release()
    throw error
  }
  return {
    onRequest(next) {
      handler = next
    },
    release,
  }
}

/**
 * Lets the process that holds `directory` run a command, and hands over its output as it comes.
 * Gives the exit code, or null when nobody holds the directory.
 */
export async function requestOfHolder(
  directory: string,
  request: { readonly args: readonly string[] },
  onOutput: (stream: 'stdout' | 'stderr', text: string) => void,
): Promise<number | null> {
  let address: string
  try {
    address = await addressOf(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
  const socket = await connectTo(address)
  if (socket === null) return null
  const token = await readFile(path.join(directory, tokenFile), 'utf8').catch(() => '')
  return new Promise((resolve, reject) => {
    let code: number | null = null
    readLines(socket, message => {
      if (message.stream !== undefined && message.text !== undefined) onOutput(message.stream, message.text)
      if (message.code !== undefined) code = message.code
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      if (code !== null) resolve(code)
      else
        reject(new DatabaseError(`the process that holds ${directory} ended without an answer`, { code: 'no_answer' }))
    })
    writeLine(socket, { token, args: [...request.args] })
  })
}
