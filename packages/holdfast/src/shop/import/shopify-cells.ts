/** Parses single cells of a product file. The error for an invalid cell says what to write instead. */
import { parseDecimal } from '../../domain/money.ts'

/** A cell or row that cannot be imported. The message says what to do. */
export class CellError extends Error {
  override readonly name = 'CellError'
}

const quantityMax = 1_000_000_000
const gramsMax = 2_000_000_000
const textMax = 255

/** A short text such as a key: at most 255 characters on one line. */
export function shortText(column: string, cell: string): string {
  const text = cell.trim()
  if (text.length > textMax) throw new CellError(`${column} is longer than ${textMax} characters. Shorten it.`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this check looks for control characters
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new CellError(`${column} contains line breaks or control characters. Remove them.`)
  return text
}

/** Spreadsheets write `'0123` to keep a leading zero. The apostrophe is not part of the code. */
export function codeText(column: string, cell: string): string {
  return shortText(column, cell.replace(/^\s*'/, ''))
}

export function handleText(cell: string): string {
  const handle = shortText('Handle', cell)
  if (/[\s/?#%\\]/.test(handle)) {
    throw new CellError(`The handle "${handle}" is not valid in a URL. Use letters, digits, and hyphens.`)
  }
  return handle
}

/** A price in minor units of `currency`. */
export function priceOf(column: string, cell: string, currency: string): number {
  const text = cell.trim()
  if (text === '') throw new CellError(`${column} is empty. Write a price such as 12.50.`)
  const amountMinor = parseDecimal(text, currency)
  if (amountMinor === null) {
    throw new CellError(
      `${column} "${text}" is not a price in ${currency}. Write digits with a decimal point, such as 12.50, without a sign, currency, or thousands separator.`,
    )
  }
  return amountMinor
}

/** Units in stock; null if the cell is blank. */
export function quantityOf(cell: string): number | null {
  const text = cell.trim()
  if (text === '') return null
  if (!/^\d+$/.test(text)) {
    throw new CellError(
      `Variant Inventory Qty "${text}" is not a whole number, 0 or more. Write the units that can be sold (0 if units are owed).`,
    )
  }
  const quantity = Number(text)
  if (quantity > quantityMax)
    throw new CellError(`Variant Inventory Qty ${text} is more than ${quantityMax}. Write the actual stock.`)
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
      throw new CellError(`Variant Inventory Policy "${text}" is unknown. Write deny or continue.`)
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
      throw new CellError(`${column} "${cell.trim()}" is not valid. Write true or false.`)
  }
}

/** Whole grams; fractions are rounded. */
export function gramsOf(cell: string): number {
  const text = cell.trim()
  if (text === '') return 0
  const grams = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text)) : Number.NaN
  if (!(grams <= gramsMax))
    throw new CellError(`Variant Grams "${text}" is not a weight in grams. Write a number such as 250.`)
  return grams
}

/** True for active products; draft, archived, and unlisted products are not for sale. */
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
      throw new CellError(`Status "${cell.trim()}" is unknown. Write active, draft, or archived.`)
  }
}

/** The URL of an image: http, https, or a path of this shop. */
export function imageUrlOf(column: string, cell: string): string {
  const url = cell.trim()
  if (!/^(https?:\/\/|\/(?!\/))[^\s"<>]+$/i.test(url) || url.length > 2000) {
    throw new CellError(`${column} "${url.slice(0, 80)}" is not a URL. Write one that begins with https://.`)
  }
  return url
}

export function tagsOf(cell: string): string[] {
  return [...new Set(cell.split(',').map(tag => tag.trim()))].filter(tag => tag !== '')
}
