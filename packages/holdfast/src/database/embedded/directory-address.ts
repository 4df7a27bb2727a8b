/** The socket address of a directory's holder, derived from the real path of the directory. */
import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'

/** The file in the directory that contains the secret for requests to the holder. */
export const tokenFile = 'control-token'

/** On Linux an abstract socket: the kernel frees it when the process ends, however it ends. */
export async function addressOf(directory: string): Promise<string> {
  const real = await realpath(directory)
  const name = `holdfast-${createHash('sha256').update(real).digest('hex').slice(0, 32)}`
  if (process.platform === 'linux') return `\0${name}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  return path.join(real, 'lock.sock')
}

/** Null if no process listens there. */
export function connectTo(address: string): Promise<net.Socket | null> {
  return new Promise(resolve => {
    const socket = net.connect({ path: address })
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(null))
  })
}

export const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | null)?.code
