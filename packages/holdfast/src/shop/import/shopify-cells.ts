/** Reads single cells of a product file: a cell that cannot be meant is refused with what to write instead. */
import { parseDecimal } from '../../domain/money.ts'

/** A cell, or a row, that cannot be imported; its message says what to do. */
export class CellError extends Error {
  override readonly name = 'CellError'
}

const quantityMax = 1_000_000_000
const gramsMax = 2_000_000_000
const textMax = 255

/** A short text as it is used for keys: at most 255 characters, on one line. */
export function shortText(column: string, cell: string): string {
  const text = cell.trim()
  if (text.length > textMax) throw new CellError(`${column} is longer than ${textMax} characters; shorten it.`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new CellError(`${column} spans lines or has control characters; remove them.`)
  return text
}

/** Spreadsheets write `'0123` to keep a leading zero; the apostrophe is not part of the code. */
export function codeText(column: string, cell: string): string {
  return shortText(column, cell.replace(/^\s*'/, ''))
}

export function handleText(cell: string): string {
  const handle = shortText('Handle', cell)
  if (/[\s/?#%\\]/.test(handle)) {
    throw new CellError(`The handle "${handle}" cannot stand in a web address; use letters, digits and hyphens.`)
  }
  return handle
}

/** Minor units of `currency`. */
export function priceOf(column: string, cell: string, currency: string): number {
  const text = cell.trim()
  if (text === '') throw new CellError(`${column} is empty; write a price such as 12.50.`)
  const amountMinor = parseDecimal(text, currency)
  if (amountMinor === null) {
    throw new CellError(
      `${column} "${text}" is not a price in ${currency}; write digits with a decimal point, such as 12.50, without sign, currency or thousands separator.`,
    )
  }
  return amountMinor
}

/** Units in stock, or null where the cell is blank. */
export function quantityOf(cell: string): number | null {
  const text = cell.trim()
  if (text === '') return null
  if (!/^\d+$/.test(text)) {
    throw new CellError(
      `Variant Inventory Qty "${text}" is not a whole number of 0 or more; write how many units can be sold (0 where units are owed).`,
    )
  }
  const quantity = Number(text)
  if (quantity > quantityMax)
    throw new CellError(`Variant Inventory Qty ${text} is more than ${quantityMax}; write the real stock.`)
  return quantity
}

export function policyOf(cell: string): 'deny' | 'continue' {
  const text = cell.trim().toLowerCase()
  switch (text) {
    case '':
    case 'deny':
      return 'deny'
    case 'continue':
      return 'continue'
    default:
      throw new CellError(`Variant Inventory Policy "${text}" is unknown; write deny or continue.`)
  }
}

export function booleanOf(column: string, cell: string, fallback: boolean): boolean {
  switch (cell.trim().toLowerCase()) {
    case '':
      return fallback
    case 'true':
      return true
    case 'false':
      return false
    default:
      throw new CellError(`${column} "${cell.trim()}" is neither true nor false; write one of them.`)
  }
}

/** Whole grams; fractions are rounded. */
export function gramsOf(cell: string): number {
  const text = cell.trim()
  if (text === '') return 0
  const grams = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text)) : Number.NaN
  if (!(grams <= gramsMax))
    throw new CellError(`Variant Grams "${text}" is not a weight in grams; write a number such as 250.`)
  return grams
}

/** Active, draft, archived and unlisted; only active is for sale. */
export function statusOf(cell: string): boolean {
  switch (cell.trim().toLowerCase()) {
    case '':
    case 'active':
      return true
    case 'draft':
    case 'archived':
    case 'unlisted':
      return false
    default:
      throw new CellError(`Status "${cell.trim()}" is unknown; write active, draft or archived.`)
  }
}

/** An address an image can be loaded from: http, https, or a path of this shop. */
export function imageUrlOf(column: string, cell: string): string {
  const url = cell.trim()
  if (!/^(https?:\/\/|\/(?!\/))[^\s"<>]+$/i.test(url) || url.length > 2000) {
    throw new CellError(`${column} "${url.slice(0, 80)}" is not a web address; write one that begins with https://.`)
  }
  return url
}

export function tagsOf(cell: string): string[] {
  return [...new Set(cell.split(',').map(tag => tag.trim()))].filter(tag => tag !== '')
}
