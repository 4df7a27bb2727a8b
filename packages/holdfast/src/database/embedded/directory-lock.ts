/**
 * Locks a directory for one process until that process ends, however it ends: two processes on one embedded database
 * would silently destroy it. The lock is a socket; other processes send commands to the holder through it.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { DatabaseError } from '../database.ts'
import { type RequestHandler, serveCommand } from './command-server.ts'
import { addressOf, codeOf, connectTo, tokenFile } from './directory-address.ts'

export interface DirectoryLock {
  /** Sets the handler for requests. Without a handler they end with exit code 1. */
  onRequest(handler: RequestHandler): void
  /** Releases the directory. Idempotent. */
  release(): Promise<void>
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

function lockedByAnother(directory: string, cause: unknown): DatabaseError {
  return new DatabaseError(
    `directory "${directory}" is in use by another process; stop that process, or set DATABASE_URL to a PostgreSQL server to run several`,
    { code: 'directory_locked', cause },
  )
}

/** Makes `server` listen at the address of the directory, which only one process can do. */
async function lock(server: net.Server, address: string, directory: string): Promise<void> {
  try {
    await listenOn(server, address)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    const isFile = process.platform !== 'linux' && process.platform !== 'win32'
    const holder = isFile ? await connectTo(address) : null
    holder?.destroy()
    if (!isFile || holder !== null) throw lockedByAnother(directory, error)
    // No process answers at this socket file: its process was killed.
    await rm(address, { force: true })
    await listenOn(server, address).catch((again: unknown) => {
      throw lockedByAnother(directory, again)
    })
  }
}

async function writeToken(directory: string, token: string): Promise<void> {
  const file = path.join(directory, tokenFile)
  const fresh = `${file}.new`
  await rm(fresh, { force: true })
  await writeFile(fresh, token, { mode: 0o600 })
  await rename(fresh, file)
}

/**
 * Locks `directory` (created if missing) for this process.
 * @throws {DatabaseError} `directory_locked` if another process holds it.
 */
export async function lockDirectory(
  directory: string,
  options: { readonly onRequest?: RequestHandler } = {},
): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true })
  const token = randomBytes(32).toString('hex')
  let handler = options.onRequest ?? null
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serveCommand(socket, token, () => handler)
  })
  server.maxConnections = 16
  await lock(server, await addressOf(directory), directory)
  // The lock must not keep an otherwise finished process alive.
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
