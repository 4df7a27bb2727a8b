/** Tables and colours for people; plain where nobody watches. */
import Table from 'cli-table3'
import type { Caller } from './command.ts'

type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'strong'
const codes: Readonly<Record<Tone, number>> = { good: 32, bad: 31, warning: 33, quiet: 2, strong: 1 }

export function paint(caller: Pick<Caller, 'colours'>, tone: Tone, text: string): string {
  return caller.colours ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals take for commands must not reach them
const control = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g

/** Anything as the text of a cell. What came from outside cannot steer the terminal. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.replace(control, ' ').replaceAll('\u001b', ' ')
}

export interface TableOptions {
  /** Columns, from 0, whose values stand to the right. */
  right?: readonly number[]
  /** Widest a column may get before its text wraps, by column. */
  widths?: Readonly<Record<number, number>>
}

/** Columns two spaces apart, without lines. */
const plain = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
}

/** Rows of cells, already painted where wanted, under a head. */
export function table(
  caller: Pick<Caller, 'colours'>,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const { right = [], widths = {} } = options
  const built = new Table({
    head: head.map(text => paint(caller, 'strong', text)),
    colAligns: head.map((_, index) => (right.includes(index) ? 'right' : 'left')),
    colWidths: head.map((_, index) => widths[index] ?? null),
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
  const digits =
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  return `${(amountMinor / 10 ** digits).toFixed(digits)} ${currency}`
}
