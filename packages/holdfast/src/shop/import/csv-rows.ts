/**
 * Reads the rows of a CSV file with the line on which each begins. Accepts any line ending, quoted newlines, and a byte
 * order mark. Lines are counted here, because the parser counts a quoted CRLF twice.
 */
import { parse } from 'csv-parse'

export interface CsvRow {
  /** Line of the file on which the row begins; the first is 1. */
  line: number
  cells: string[]
}

/** Where and why reading stopped before the end of the file. */
export interface CsvBreak {
  line: number
  reason: string
}

/** Longer than any row of a product file. The limit stops an unclosed quote from consuming the rest of the file. */
const rowBytesMax = 2_000_000

function reasonOf(error: Error & { code?: string }): string {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'A quotation mark in this row is never closed. Close it, then import the file again.'
    case 'CSV_MAX_RECORD_SIZE':
      return 'This row is longer than 2 MB. A quotation mark in it is probably never closed.'
    default:
      return `This row is not valid CSV (${error.message}). Correct it, then import the file again.`
  }
}

const linesIn = (cell: string) => cell.match(/\r\n|\n|\r/g)?.length ?? 0

/**
 * Yields rows as they arrive, without holding the file in memory. Blank rows are skipped but counted. If the file
 * becomes unreadable, the rows before are yielded and the generator returns the reason; otherwise it returns null.
 */
export async function* csvRows(
  source: AsyncIterable<string | Uint8Array>,
): AsyncGenerator<CsvRow, CsvBreak | null, undefined> {
  const ready: CsvRow[] = []
  let nextLine = 1
  let broken: CsvBreak | null = null
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: rowBytesMax,
    on_record(cells: string[]) {
      if (cells.some(cell => cell.trim() !== '')) ready.push({ line: nextLine, cells })
      nextLine += 1 + cells.reduce((sum, cell) => sum + linesIn(cell), 0)
      // Rows are collected here, because an error would discard the stream's buffer.
      return null
    },
  })
  parser.on('error', error => {
    broken ??= { line: nextLine, reason: reasonOf(error) }
  })
  parser.resume()
  const isBroken = () => broken !== null
  for await (const chunk of source) {
    await new Promise<void>(resolve => parser.write(chunk, () => resolve()))
    yield* ready.splice(0)
    if (isBroken()) return broken
  }
  await new Promise<void>(resolve => {
    parser.once('end', resolve)
    parser.once('error', () => resolve())
    parser.end()
  })
  yield* ready.splice(0)
  return broken
}
