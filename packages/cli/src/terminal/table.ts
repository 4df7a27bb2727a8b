/** Tables and colours for people: at most as wide as the terminal, and plain in a pipe. */
import { stripVTControlCharacters, styleText } from 'node:util'
import Table from 'cli-table3'
import stringWidth from 'string-width'
import { validate as isUuid } from 'uuid'
import type { Caller } from '../command.ts'

export type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'strong'
const styles = { good: 'green', bad: 'red', warning: 'yellow', quiet: 'dim', strong: 'bold' } as const

export function paint(caller: Pick<Caller, 'colours'>, tone: Tone, text: string): string {
  return caller.colours ? styleText(styles[tone], text, { validateStream: false }) : text
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals execute control characters
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Any value as the text of a cell, on one line. External text cannot control the terminal. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.replaceAll(/\s*[\t\r\n]\s*/g, ' ').replaceAll(control, ' ')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of `paint`
const colour = /(\u001b\[[\d;]*m)/
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Width of a painted text in terminal cells. */
export const widthOf = (text: string): number => stringWidth(text)

/** Cuts a painted text to `width` cells; a cut text ends with "…". */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 1) return ''
  let left = width - 1
  let kept = ''
  for (const part of text.split(colour)) {
    // Keep codes after the cut, because they end the colours.
    if (part.startsWith('\u001b')) kept += part
    else {
      for (const { segment } of graphemes.segment(part)) {
        if (left < 0) break
        left -= widthOf(segment)
        kept += left < 0 ? '…' : segment
      }
    }
  }
  return kept
}

export interface TableOptions {
  /** Right-aligned columns, from 0. */
  right?: readonly number[]
  /** Width at which the text of a column wraps, by column. */
  widths?: Readonly<Record<number, number>>
  /** Columns that shrink first if the terminal is too narrow. */
  shrinkFirst?: readonly number[]
  /** Columns that never shrink: names that people copy. */
  fixed?: readonly number[]
}

/** Columns two spaces apart, without lines. */
const gap = 2
const plain = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '' },
  middle: ' '.repeat(gap),
}
/** No column shrinks below this width; the terminal wraps instead. */
const narrowest = 12
const isId = (text: string) => isUuid(stripVTControlCharacters(text))

/** Shrinks the widest columns until all fit into `limit` cells. Fixed columns keep their width. */
function fitted(natural: readonly number[], isFixed: readonly boolean[], limit: number): number[] {
  const widths = [...natural]
  let over = widths.reduce((sum, width) => sum + width, 0) + gap * (widths.length - 1) - limit
  while (over > 0) {
    const shrinkable = widths.map((width, index) => (isFixed[index] || width <= narrowest ? 0 : width))
    const widest = Math.max(...shrinkable)
    if (widest === 0) break
    const index = shrinkable.indexOf(widest)
    const next = Math.max(narrowest, ...shrinkable.filter((_, other) => other !== index))
    const less = Math.max(1, Math.min(over, widest - next))
    widths[index] = widest - less
    over -= less
  }
  return widths
}

/** Rows of cells, painted or plain, under a head. There is no head if all its names are empty. Numbers and IDs keep their width. */
export function table(
  caller: Pick<Caller, 'colours' | 'columns'>,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const { right = [], widths = {}, shrinkFirst = [], fixed = [] } = options
  const natural = head.map((name, index) =>
    Math.min(Math.max(widthOf(name), ...rows.map(row => widthOf(row[index] ?? ''))), widths[index] ?? Infinity),
  )
  const isFixed = head.map(
    (_, index) => right.includes(index) || fixed.includes(index) || rows.some(row => isId(row[index] ?? '')),
  )
  const limit = caller.columns ?? Infinity
  const first = fitted(
    natural,
    head.map((_, index) => !shrinkFirst.includes(index)),
    limit,
  )
  const hasHead = head.some(name => name !== '')
  const built = new Table({
    head: hasHead ? head.map(text => paint(caller, 'strong', text)) : [],
    colAligns: head.map((_, index) => (right.includes(index) ? 'right' : 'left')),
    colWidths: fitted(first, isFixed, limit),
    wordWrap: true,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    chars: plain,
  })
  built.push(...rows.map(row => [...row]))
  return built
    .toString()
    .split('\n')
    .map(line => `${line.trimEnd()}\n`)
    .join('')
}

/** `12.50 USD` of 1250 minor units. */
export function money(amountMinor: number, currency: string): string {
  return `${decimal(amountMinor, currency)} ${currency}`
}

/** `12.50` of 1250 minor units. */
export function decimal(amountMinor: number, currency: string): string {
  const digits =
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  return (amountMinor / 10 ** digits).toFixed(digits)
}
