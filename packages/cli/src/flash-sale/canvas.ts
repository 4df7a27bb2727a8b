/** Terminal lines made of painted pieces, with bars in half cells and curves in eighths of a cell. */
import { cut, paint, type Tone, widthOf as widthOfText } from '../terminal/table.ts'

/** Text, painted or plain. */
export type Piece = string | readonly [Tone, string]
export type Line = readonly Piece[]

const textOf = (piece: Piece): string => (typeof piece === 'string' ? piece : piece[1])

export const widthOf = (line: Line): number => line.reduce((sum, piece) => sum + widthOfText(textOf(piece)), 0)

/** The line as text of at most `width` cells. */
export function render(line: Line, width: number, colours: boolean): string {
  const text = line.map(piece => (typeof piece === 'string' ? piece : paint({ colours }, ...piece))).join('')
  return cut(text, width)
}

/** `left`, and `right` at the end of the line if there is room for it. */
export function spread(left: Line, right: Line, width: number): Line {
  const gap = width - widthOf(left) - widthOf(right)
  return gap < 2 ? left : [...left, ' '.repeat(gap), ...right]
}

const up = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** A bar of up to `width` cells for a share from 0 to 1, in half cells. A share above 0 is always visible. */
export function bar(share: number, width: number): string {
  if (share <= 0) return ''
  const halves = Math.max(1, Math.round(Math.min(share, 1) * width * 2))
  return '━'.repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? '╸' : '')
}

/** A curve with one cell per value, `rows` high, top line first; null: no value yet. */
export function curve(values: readonly (number | null)[], rows: number, highest: number): string[] {
  return Array.from({ length: rows }, (_, row) => {
    const floor = (rows - 1 - row) * 8
    return values
      .map(value => {
        if (value === null) return ' '
        const eighths = highest <= 0 ? 0 : Math.round((value / highest) * rows * 8)
        // Draw 0 as a thin line, so the curve has a base line.
        const atLeast = row === rows - 1 ? Math.max(eighths, 1) : eighths
        return up[Math.min(8, Math.max(0, atLeast - floor))]
      })
      .join('')
  })
}
