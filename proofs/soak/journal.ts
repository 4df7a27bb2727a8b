/** What a process did, a line each, in a file that outlives its sudden death. */
import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

export interface Journal {
  note(line: string): void
}

/** Appends to `file`, at once and whole: a killed process leaves no half lines and loses none. */
export function openJournal(file: string): Journal {
  const descriptor = openSync(file, 'a')
  return {
    note: line => void writeSync(descriptor, `${line}\n`),
  }
}

/** Every line of a journal; none where nobody has written yet. */
export async function readJournal(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n').filter(line => line !== '')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** How often each of the lines that begin with `subject` is there, by what follows. */
export function countsOf(lines: readonly string[], subject: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of lines) {
    if (!line.startsWith(`${subject} `)) continue
    const kind = line.slice(subject.length + 1)
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}
