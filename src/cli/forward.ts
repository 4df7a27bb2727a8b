/**
 * Commands for the process that holds the embedded database: the first argument says for whom, the rest is the command
 * line as it was given. So `holdfast audit` works while the server runs.
 */
import { requestOfHolder } from '../store/directory-lock.ts'
import type { Caller } from './command.ts'

interface For {
  directory: string
  colours: boolean
  isTty: boolean
}

/** Lets whoever holds `dataDirectory` run a command. Gives its exit code, null when nobody holds it. */
export function forward(dataDirectory: string, caller: Caller, args: readonly string[]): Promise<number | null> {
  const { directory, colours, isTty } = caller
  const header: For = { directory, colours, isTty }
  return requestOfHolder(dataDirectory, { args: [JSON.stringify(header), ...args] }, (stream, text) =>
    stream === 'stdout' ? caller.out(text) : caller.err(text),
  )
}

/** The caller and the command line of a forwarded request. */
export function received(
  args: readonly string[],
  write: (stream: 'stdout' | 'stderr', text: string) => void,
): { caller: Caller; args: readonly string[] } {
  const [header = '{}', ...rest] = args
  const { directory = '.', colours = false, isTty = false } = JSON.parse(header) as Partial<For>
  return {
    caller: { directory, colours, isTty, out: text => write('stdout', text), err: text => write('stderr', text) },
    args: rest,
  }
}
