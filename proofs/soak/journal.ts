/** A journal of a process: one line per event, in a file that survives SIGKILL. */
import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

export interface Journal {
  note(line: string): void
}

/** Appends whole lines to `file` immediately: a killed process leaves no partial line and loses none. */
export function openJournal(file: string): Journal {
  const descriptor = openSync(file, 'a')
  return {
    note: line => void writeSync(descriptor, `${line}\n`),
  }
}

/** All lines of a journal; none if the file does not exist yet. */
export async function readJournal(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n').filter(line => line !== '')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Counts the lines that begin with `subject`, by the rest of the line. */
export function countsOf(lines: readonly string[], subject: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of lines) {
    if (!line.startsWith(`${subject} `)) continue
    const kind = line.slice(subject.length + 1)
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}
