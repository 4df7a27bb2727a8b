/**
 * Commands for the process that holds the embedded database: the first argument says for whom, the rest is the command
 * line as it was given. So `holdfast audit` works while the server runs.
 */
import { DatabaseError, requestOfHolder } from 'holdfast/database'
import type { Caller } from '../command.ts'

interface For {
  directory: string
  colours: boolean
  isTty: boolean
  columns?: number | undefined
}

/** Lets whoever holds `dataDirectory` run a command. Gives its exit code, null when nobody holds it. */
export function forward(dataDirectory: string, caller: Caller, args: readonly string[]): Promise<number | null> {
  const { directory, colours, isTty, columns } = caller
  const header: For = { directory, colours, isTty, columns }
  return requestOfHolder(dataDirectory, { args: [JSON.stringify(header), ...args] }, (stream, text) =>
    stream === 'stdout' ? caller.out(text) : caller.err(text),
  )
}

/**
 * What a command prints as JSON that whoever holds `dataDirectory` runs.
 * @throws {DatabaseError} when nobody holds it, or there is no answer.
 */
export async function askHolder<Answer>(
  dataDirectory: string,
  { directory }: Pick<Caller, 'directory'>,
  args: readonly string[],
): Promise<Answer> {
  let answer = ''
  let complaint = ''
  const out = (text: string) => {
    answer += text
  }
  const err = (text: string) => {
    complaint += text
  }
  const code = await forward(dataDirectory, { directory, colours: false, isTty: false, out, err }, args)
  if (code !== null && answer !== '') return JSON.parse(answer) as Answer
  const nobody = `no server runs on the embedded database ${dataDirectory}: start one with holdfast serve`
  throw new DatabaseError(code === null ? nobody : complaint.trim(), { code: 'no_answer' })
}

/** The caller and the command line of a forwarded request. */
export function received(
  args: readonly string[],
  write: (stream: 'stdout' | 'stderr', text: string) => void,
): { caller: Caller; args: readonly string[] } {
  const [header = '{}', ...rest] = args
  const { directory = '.', colours = false, isTty = false, columns } = JSON.parse(header) as Partial<For>
  const out = (text: string) => write('stdout', text)
  return { caller: { directory, colours, isTty, columns, out, err: text => write('stderr', text) }, args: rest }
}
