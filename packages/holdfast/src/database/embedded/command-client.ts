/** Sends a command to the process that holds a directory. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseError } from '../database.ts'
import { readLines, writeLine } from './control-protocol.ts'
import { addressOf, codeOf, connectTo, tokenFile } from './directory-address.ts'

/**
 * Runs a command in the process that holds `directory`, and passes its output to `onOutput` as it arrives.
 * Returns the exit code, or null if no process holds the directory.
 * @throws {DatabaseError} `no_answer` if the holder closes the connection without an exit code.
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
      else {
        const message = `the process that holds "${directory}" closed the connection without an answer`
        reject(new DatabaseError(message, { code: 'no_answer' }))
      }
    })
    writeLine(socket, { token, args: [...request.args] })
  })
}
