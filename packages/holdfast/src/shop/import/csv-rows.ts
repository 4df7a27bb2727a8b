/**
 * The rows of a CSV file with the line of the file each begins on, whatever line ends, quoted newlines or byte order
 * mark it has. The line is counted here, for the parser counts a quoted CRLF twice.
 */
import { parse } from 'csv-parse'

export interface CsvRow {
  /** Line of the file on which the row begins; the first is 1. */
  line: number
  cells: string[]
}

/** What made reading stop before the end of the file. */
export interface CsvBreak {
  line: number
  reason: string
}

/** No row of a product file is longer; a quote that is never closed would swallow the rest of it. */
const rowBytesMax = 2_000_000

function reasonOf(error: Error & { code?: string }): string {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'A quotation mark opened in this row is never closed; close it, then import the file again.'
    case 'CSV_MAX_RECORD_SIZE':
      return 'This row is longer than 2 MB; most likely a quotation mark in it is never closed.'
    default:
      return `This row cannot be read as CSV (${error.message}); correct it, then import the file again.`
  }
}

const linesIn = (cell: string) => cell.match(/\r\n|\n|\r/g)?.length ?? 0

/**
 * Reads rows as they come, without holding the file. Blank rows are left out but counted. Rows before the place where
 * the file cannot be read any further are given; what stopped it is the generator's return value, else null.
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
      // Kept here, not in the stream's buffer, which an error would throw away.
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
