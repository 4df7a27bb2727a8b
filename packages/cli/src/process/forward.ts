/**
 * Forwards commands to the process that holds the embedded database, so `holdfast audit` works while the server runs.
 * The first argument describes the caller; the rest is the unchanged command line.
 */
import { DatabaseError, requestOfHolder } from 'holdfast/database'
import type { Caller } from '../command.ts'

interface ForwardedCaller {
  directory: string
  colours: boolean
  isTty: boolean
  columns?: number | undefined
}

/** Runs a command in the process that holds `dataDirectory`. Returns its exit code, or null if no process holds it. */
export function forward(dataDirectory: string, caller: Caller, args: readonly string[]): Promise<number | null> {
  const { directory, colours, isTty, columns } = caller
  const header: ForwardedCaller = { directory, colours, isTty, columns }
  return requestOfHolder(dataDirectory, { args: [JSON.stringify(header), ...args] }, (stream, text) =>
    stream === 'stdout' ? caller.out(text) : caller.err(text),
  )
}

/**
 * Runs a command in the process that holds `dataDirectory` and parses the JSON it prints.
 * @throws {DatabaseError} if no process holds it, or the command prints nothing.
 */
export async function readFromHolder<Answer>(
  dataDirectory: string,
  { directory }: Pick<Caller, 'directory'>,
  args: readonly string[],
): Promise<Answer> {
  let answer = ''
  let errors = ''
  const out = (text: string) => {
    answer += text
  }
  const err = (text: string) => {
    errors += text
  }
  const code = await forward(dataDirectory, { directory, colours: false, isTty: false, out, err }, args)
  if (code !== null && answer !== '') return JSON.parse(answer) as Answer
  const noServer = `no server is running on the embedded database ${dataDirectory}; start one with "holdfast serve"`
  throw new DatabaseError(code === null ? noServer : errors.trim(), { code: 'no_answer' })
}

/** Parses a forwarded request into its caller and its command line. */
export function parseForwarded(
  args: readonly string[],
  write: (stream: 'stdout' | 'stderr', text: string) => void,
): { caller: Caller; args: readonly string[] } {
  const [header = '{}', ...rest] = args
  const { directory = '.', colours = false, isTty = false, columns } = JSON.parse(header) as Partial<ForwardedCaller>
  const out = (text: string) => write('stdout', text)
  return { caller: { directory, colours, isTty, columns, out, err: text => write('stderr', text) }, args: rest }
}
