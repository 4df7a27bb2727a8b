/** Tables and colours for people: as wide as their terminal at most, and plain where nobody watches. */
import Table from 'cli-table3'
import type { Caller } from '../command.ts'

export type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'strong'
const codes: Readonly<Record<Tone, number>> = { good: 32, bad: 31, warning: 33, quiet: 2, strong: 1 }

export function paint(caller: Pick<Caller, 'colours'>, tone: Tone, text: string): string {
  return caller.colours ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals take for commands must not reach them
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Anything as the text of a cell, on one line. What came from outside cannot steer the terminal. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.replaceAll(/\s*[\t\r\n]\s*/g, ' ').replaceAll(control, ' ')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of `paint`
const colour = /(\u001b\[[\d;]*m)/g
/** What terminals show two cells wide: East Asian scripts and pictures. */
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** How many cells of a terminal a painted text takes. */
export function widthOf(text: string): number {
  const bare = text.replaceAll(colour, '')
  if (/^[\x20-\x7e]*$/.test(bare)) return bare.length
  let width = 0
  for (const { segment } of graphemes.segment(bare)) width += wide.test(segment) ? 2 : 1
  return width
}

/** A painted text in at most `width` cells, its end replaced by "…" where it is longer. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let left = width - 1
  let kept = ''
  for (const part of text.split(colour)) {
    if (part.startsWith('\u001b')) {
      // Also behind the cut, for colours must be ended.
      kept += part
      continue
    }
    for (const { segment } of graphemes.segment(part)) {
      if (left < 0) break
      left -= wide.test(segment) ? 2 : 1
      kept += left < 0 ? '…' : segment
    }
  }
  return width < 1 ? '' : kept
}

export interface TableOptions {
  /** Columns, from 0, whose values stand to the right. */
  right?: readonly number[]
  /** Widest a column may get before its text wraps, by column. */
  widths?: Readonly<Record<number, number>>
  /** Columns that give way before the others where the terminal is too narrow. */
  yields?: readonly number[]
  /** Columns that never give way: names that are for copying. */
  stays?: readonly number[]
}

/** Columns two spaces apart, without lines. */
const gap = 2
const plain = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '' },
  middle: ' '.repeat(gap),
}
/** A column is not made narrower than this: the terminal wraps then. */
const narrowest = 12
const isId = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text.replaceAll(colour, ''))

/** The widths that fit: the widest columns of text give way. Numbers do not, nor ids, which are for copying. */
function fitted(natural: readonly number[], stays: readonly boolean[], limit: number): number[] {
  const widths = [...natural]
  let over = widths.reduce((sum, width) => sum + width, 0) + gap * (widths.length - 1) - limit
  while (over > 0) {
    const may = widths.map((width, index) => (stays[index] || width <= narrowest ? 0 : width))
    const widest = Math.max(...may)
    if (widest === 0) break
    const index = may.indexOf(widest)
    const next = Math.max(narrowest, ...may.filter((_, other) => other !== index))
    const less = Math.max(1, Math.min(over, widest - next))
    widths[index] = widest - less
    over -= less
  }
  return widths
}

/** Rows of cells, already painted where wanted, under a head; without a head where all its names are empty. */
export function table(
  caller: Pick<Caller, 'colours' | 'columns'>,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const { right = [], widths = {}, yields = [], stays: kept = [] } = options
  const natural = head.map((name, index) =>
    Math.min(Math.max(widthOf(name), ...rows.map(row => widthOf(row[index] ?? ''))), widths[index] ?? Infinity),
  )
  const stays = head.map(
    (_, index) => right.includes(index) || kept.includes(index) || rows.some(row => isId(row[index] ?? '')),
  )
  const limit = caller.columns ?? Infinity
  const first = fitted(
    natural,
    head.map((_, index) => !yields.includes(index)),
    limit,
  )
  const hasHead = head.some(name => name !== '')
  const built = new Table({
    head: hasHead ? head.map(text => paint(caller, 'strong', text)) : [],
    colAligns: head.map((_, index) => (right.includes(index) ? 'right' : 'left')),
    colWidths: fitted(first, stays, limit),
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
